import { createHash } from 'node:crypto'
import { readBasic } from '../basic-header.ts'
import { decodeJwt } from '../client-assertion-rules.ts'
import type { SandboxClient } from '../sandbox-options.ts'
import type { SandboxState } from '../sandbox-state.ts'
import type { Exchange } from './exchange.ts'
import type { Verdict } from './step.ts'

const ASSERTION = 'SMART App Launch 2.2, “Client authentication: asymmetric”'
const AUTHORIZATION = 'SMART App Launch 2.2, “Obtain authorization code”'
const INTELICHART = 'InteliChart, “Authorization Registration”'

/** What a code exchange is compared with. */
interface Authorization {
  readonly redirectUri: string | null
  readonly challenge: string | null
}

/** Judges each step by the rules of SMART and OAuth. The sandbox itself decides; this says why. */
export class Verdicts {
  readonly #state: SandboxState
  readonly #authorizations = new Map<string, Authorization>()
  readonly #used = new Set<string>()

  constructor(state: SandboxState) {
    this.#state = state
  }

  /** @param flow - of this exchange */
  of(exchange: Exchange, flow: string): Verdict[] {
    const { request } = exchange
    const params = request.method === 'POST' ? request.form : request.query
    if (request.path === '/authorize') return this.#ofAuthorization(params, flow)
    if (request.path === '/token') return [...this.#ofTokenRequest(exchange, flow), ...ofTokenAnswer(exchange)]
    if (request.host === 'fhir' && !request.path.includes('/.well-known/')) return ofFhirRequest(exchange)
    return []
  }

  #ofAuthorization(params: URLSearchParams, flow: string): Verdict[] {
    const { clients, mode, fhirBaseUrl } = this.#state
    const client = clients.find(params.get('client_id') ?? undefined)
    const scopes = new Set(params.get('scope')?.split(' '))
    this.#remember(flow, { redirectUri: params.get('redirect_uri'), challenge: params.get('code_challenge') })
    const judged = [
      rule(params.get('response_type') === 'code', 'response_type is code', 'RFC 6749 §4.1.1'),
      rule(client !== undefined, 'client_id is registered', 'RFC 6749 §4.1.1'),
      rule(
        client?.redirectUris?.includes(params.get('redirect_uri') ?? '') === true,
        'redirect_uri is registered, letter by letter',
        'RFC 9700 §4.1.3',
      ),
      rule((params.get('state') ?? '').length >= 22, 'state is there, and too long to be guessed', 'RFC 6749 §10.12'),
      rule(
        params.get('code_challenge_method') === 'S256' && params.has('code_challenge'),
        'PKCE with S256',
        'RFC 7636 §4.3',
      ),
    ]
    if (mode === 'smart')
      judged.push(rule(params.get('aud') === fhirBaseUrl, 'aud is the FHIR base URL', AUTHORIZATION))
    if (scopes.has('openid')) judged.push(rule(params.has('nonce'), 'nonce binds the id_token', 'OIDC Core §3.1.2.1'))
    if (params.has('launch')) {
      judged.push(rule(scopes.has('launch'), 'an EHR launch asks for the scope launch', AUTHORIZATION))
    }
    return judged
  }

  #ofTokenRequest({ request, status }: Exchange, flow: string): Verdict[] {
    const { form, headers } = request
    const assertion = form.get('client_assertion')
    const client = this.#state.clients.find(
      readBasic(headers.authorization)?.clientId ?? clientIdOf(assertion) ?? form.get('client_id') ?? undefined,
    )
    return [
      ...(assertion === null ? ofSecret(headers.authorization, form, client) : this.#ofAssertion(assertion, client)),
      ...this.#ofGrant(form, flow, status),
    ]
  }

  #ofGrant(form: URLSearchParams, flow: string, status: number): Verdict[] {
    // A server that failed has not used it up.
    const isSpent = status > 0 && status < 500
    switch (form.get('grant_type')) {
      case 'authorization_code': {
        const asked = this.#authorizations.get(flow)
        const verifier = form.get('code_verifier') ?? ''
        const challenge = createHash('sha256').update(verifier).digest('base64url')
        return [
          this.#firstUse(form.get('code'), isSpent, 'the code is used for the first time', 'RFC 6749 §4.1.2'),
          rule(
            form.get('redirect_uri') === asked?.redirectUri,
            'redirect_uri is that of the authorization request',
            'RFC 6749 §4.1.3',
          ),
          rule(challenge === asked?.challenge, 'code_verifier fits the code_challenge', 'RFC 7636 §4.6'),
        ]
      }
      case 'refresh_token':
        return [
          this.#firstUse(
            form.get('refresh_token'),
            isSpent,
            'the refresh token is used for the first time',
            'RFC 9700 §4.14.2',
          ),
        ]
      case 'client_credentials':
        return [rule(form.has('scope'), 'scope says what the system needs', 'SMART App Launch 2.2, “Backend Services”')]
      default:
        return [rule(false, 'grant_type is one that SMART knows', 'RFC 6749 §5.2')]
    }
  }

  #ofAssertion(assertion: string, client: SandboxClient | undefined): Verdict[] {
    const { tokenEndpoint, mode } = this.#state
    const { header = {}, claims = {} } = decodeJwt(assertion) ?? {}
    const now = Date.now() / 1000
    const lifetime = typeof claims.exp === 'number' ? claims.exp - now : Number.NaN
    const judged = [
      rule(header.typ === 'JWT', 'typ of the assertion is JWT', ASSERTION),
      rule(typeof header.kid === 'string', 'kid names the key', ASSERTION),
      rule(
        client !== undefined && claims.iss === client.clientId && claims.sub === client.clientId,
        'iss and sub are the client_id',
        ASSERTION,
      ),
      rule(claims.aud === tokenEndpoint, 'aud is the token endpoint', ASSERTION),
      rule(lifetime > 0 && lifetime <= 305, 'exp is at most five minutes ahead', ASSERTION),
      this.#firstUse(
        typeof claims.jti === 'string' ? `jti ${client?.clientId} ${claims.jti}` : null,
        true,
        'jti is there, and new',
        'RFC 7523 §3',
      ),
    ]
    if (mode !== 'intelichart') return judged
    return [
      ...judged,
      rule(
        client !== undefined && claims.jwks_url !== undefined && claims.jwks_url === client.jwksUrl,
        'jwks_url is the registered one',
        INTELICHART,
      ),
      rule(
        Number.isInteger(claims.accessTokensExpireIn) && Number(claims.accessTokensExpireIn) >= 1,
        'accessTokensExpireIn is a whole number of minutes',
        INTELICHART,
      ),
    ]
  }

  #firstUse(secret: string | null, isSpent: boolean, text: string, section: string): Verdict {
    const isFirst = secret !== null && !this.#used.has(secret)
    if (secret !== null && isSpent) this.#used.add(secret)
    const [oldest] = this.#used
    if (this.#used.size > 2000 && oldest !== undefined) this.#used.delete(oldest)
    return rule(isFirst, text, section)
  }

  #remember(flow: string, authorization: Authorization): void {
    this.#authorizations.set(flow, authorization)
    const [oldest] = this.#authorizations.keys()
    if (this.#authorizations.size > 500 && oldest !== undefined) this.#authorizations.delete(oldest)
  }
}

function ofSecret(header: string | undefined, form: URLSearchParams, client: SandboxClient | undefined): Verdict[] {
  if (client?.clientSecret === undefined) return []
  const secret = readBasic(header)?.clientSecret ?? form.get('client_secret') ?? undefined
  const isRight = secret === client.clientSecret || secret === encodeURIComponent(client.clientSecret)
  return [rule(isRight, 'the client secret is right', 'SMART App Launch 2.2, “Client authentication: symmetric”')]
}

/** The decision of the server, in its own words. */
function ofTokenAnswer({ status, body }: Exchange): Verdict[] {
  if (status === 200) return [rule(true, 'the server gives a token', 'RFC 6749 §5.1')]
  const [, error = `status ${status}`] = /"error":"([^"]*)"/.exec(body) ?? []
  const [, reason = ''] = /"error_description":"((?:[^"\\]|\\.)*)"/.exec(body) ?? []
  return [rule(false, `the server refuses: ${error}${reason ? `, ${reason}` : ''}`, 'RFC 6749 §5.2')]
}

function ofFhirRequest({ request, status }: Exchange): Verdict[] {
  if (request.path.endsWith('/metadata')) return []
  const hasToken = /^Bearer ./i.test(request.headers.authorization ?? '')
  return [
    rule(hasToken, 'the token is in the Authorization header', 'RFC 6750 §2.1'),
    rule(status !== 401, 'the token is valid', 'RFC 6750 §3.1'),
    rule(
      status !== 403,
      'a granted scope allows this request',
      'SMART App Launch 2.2, “Scopes for requesting FHIR resources”',
    ),
  ]
}

function clientIdOf(assertion: string | null): string | undefined {
  const subject = decodeJwt(assertion)?.claims.sub
  return typeof subject === 'string' ? subject : undefined
}

function rule(holds: boolean, text: string, section: string): Verdict {
  return { holds, text, section }
}
