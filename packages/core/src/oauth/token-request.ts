import type { Client } from '../client/client.ts'
import type { ClientRequestDraft } from '../client/client-auth.ts'
import type { GrantType } from '../dialects/dialect.ts'
import { FhirAuthError } from '../errors.ts'
import type { RequestPurpose } from '../events.ts'
import { jsonObject } from '../http/json-body.ts'
import { shownUrl } from '../http/secure-url.ts'
import { DEFAULT_TIMEOUT_SECONDS, type HttpAnswer, type HttpOptions, sendBounded } from '../http/send-bounded.ts'
import { retryAfterSeconds } from '../http/time-headers.ts'
import { checkAssertionRecipient } from './assertion-recipient.ts'
import { oauthErrorOf, oauthReason, safeText } from './oauth-error.ts'
import { challengeMembers, refusalText } from './refusal-text.ts'

/** The largest response, because a session keeps its content. A token response with a big id_token has a tenth of it. */
const MAX_ANSWER_BYTES = 256 * 1024

/** How requests are sent to an authorization server. */
export interface BackChannel {
  readonly http: HttpOptions
  /** The clock, in milliseconds since the epoch. */
  readonly now: () => number
  /** What the request is for, in events. Default `token`. */
  readonly purpose?: RequestPurpose | undefined
}

/** The authorization server of a request. */
export interface AuthorizationServer {
  readonly tokenEndpoint: string
  readonly issuer: string | undefined
  /** `token_endpoint_auth_signing_alg_values_supported` */
  readonly acceptedAlgorithms?: readonly string[] | undefined
}

/** What every request to an authorization server needs: the client, the server, and how to send it. */
export interface ServerAccess {
  readonly client: Client
  readonly server: AuthorizationServer
  readonly channel: BackChannel
}

/** A request to an authorization server, before client authentication is added. */
export interface AuthenticatedRequest extends ServerAccess {
  /** The server's token endpoint, or another one with the same client authentication. */
  readonly url: string
  /** Of this request alone: the client writes its proof into them. */
  readonly parameters: URLSearchParams
  readonly grantType: GrantType
}

/**
 * Sends a request with {@link postAuthenticated} to an endpoint that answers with JSON. Some servers refuse with status 200:
 * if the body has an OAuth error and lacks `member`, it counts as a refusal.
 *
 * @param member - the member of a successful response, e.g. `access_token`
 * @throws as {@link postAuthenticated}, and `invalid_response` if the body is not a JSON object
 */
export async function askAuthenticated(
  member: string,
  request: AuthenticatedRequest,
): Promise<Record<string, unknown>> {
  const { answer, refusal } = await postAuthenticated(request)
  const body = jsonObject(answer)
  const value = body[member]
  const isMissing = value === undefined || value === null || value === ''
  if (isMissing && oauthErrorOf(body)) throw refusal(body)
  return body
}

/** A response with a success status, and the error to throw if its body is a refusal. */
export interface AuthenticatedAnswer {
  readonly answer: HttpAnswer
  readonly refusal: (body: Record<string, unknown>) => FhirAuthError
}

/**
 * POSTs a form with client authentication (RFC 6749 §3.2). Parameters are sent in the body only; redirects are refused. It is
 * sent once, because the server may have used up a code or a refresh token.
 *
 * @throws `token_request_refused` with the server's OAuth error, `discovery_failed` for an endpoint that must not get an
 *   assertion, and the errors of a request
 */
export async function postAuthenticated(request: AuthenticatedRequest): Promise<AuthenticatedAnswer> {
  const { client, server, url, parameters, grantType, channel } = request
  const { purpose = 'token' } = channel
  checkAssertionRecipient(client, { url, tokenEndpoint: server.tokenEndpoint, member: `${purpose}_endpoint` })
  const draft: ClientRequestDraft = {
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
    body: parameters,
  }
  await client.clientAuth.authenticate(draft, {
    clientId: client.clientId,
    fhirBaseUrl: client.fhirBaseUrl,
    tokenEndpoint: server.tokenEndpoint,
    issuer: server.issuer,
    acceptedAlgorithms: server.acceptedAlgorithms,
    grantType,
    assertion: client.dialect.assertion,
    now: channel.now(),
    timeoutSeconds: channel.http.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
  })
  const { headers, body } = draft
  const watched = { purpose, grantType: purpose === 'token' ? grantType : undefined }
  const form = { method: 'POST', url, headers, body, maxBytes: MAX_ANSWER_BYTES, ...watched } as const
  const answer = await sendBounded(form, channel.http)
  const refusal = (said: Record<string, unknown>) => refusalOf({ answer, body: said, draft }, client, channel.now())
  if (answer.status >= 200 && answer.status < 300) return { answer, refusal }
  throw refusal(bodyOf(answer))
}

interface RefusedRequest {
  readonly answer: HttpAnswer
  /** What the answer says, read as JSON. */
  readonly body: Readonly<Record<string, unknown>>
  readonly draft: ClientRequestDraft
}

/** Depends on the OAuth `error`, not on the status: servers use different ones (400, 401, 403, 500). */
function refusalOf({ answer, body, draft }: RefusedRequest, client: Client, now: number): FhirAuthError {
  const wait = retryAfterSeconds(answer.headers, now)
  const secrets = secretsOf(client, draft)
  const oauth = oauthErrorOf(body, secrets) ?? oauthErrorOf(challengeMembers(answer.headers), secrets)
  const place = `${shownUrl(answer.url)} answered ${answer.status}`
  const clock = clockNote(answer.headers, now)
  if (!oauth) {
    const text = refusalText(answer, body)
    const said = text === undefined ? 'without an OAuth error' : `with the text "${safeText(text, secrets)}"`
    const failed = answer.status >= 500 ? ' The server, or a proxy before it, has failed: try again later.' : ''
    return new FhirAuthError('token_request_refused', `${place} ${said}.${clock}${failed}`, { retryAfterSeconds: wait })
  }
  const hint = oauth.error === 'invalid_client' ? draft.hint?.() : ADVICE.get(oauth.error)
  return new FhirAuthError(
    'token_request_refused',
    `${place}: ${oauthReason(oauth)}.${clock}${hint ? ` ${hint}` : ''}`,
    {
      oauth,
      retryAfterSeconds: wait,
    },
  )
}

/** Servers allow a minute or so for `iat` and `exp`. */
const MAX_CLOCK_DIFFERENCE_SECONDS = 60

/** A note if the server's clock, by the response's `Date` (RFC 9110 §6.6.1), differs much from this machine's. */
function clockNote(headers: Headers, now: number): string {
  const aheadSeconds = Math.round((Date.parse(headers.get('date') ?? '') - now) / 1000)
  if (!(Math.abs(aheadSeconds) > MAX_CLOCK_DIFFERENCE_SECONDS)) return ''
  const way = aheadSeconds > 0 ? 'ahead of' : 'behind'
  return ` The server's clock is ${Math.abs(aheadSeconds)} s ${way} this machine's. Correct the wrong clock first, because assertions are valid for minutes only.`
}

/** A map, not an object: a server may send any error, for example `constructor`. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ['invalid_grant', 'The code or token has expired or was used before: the person has to log in again.'],
  ['unauthorized_client', 'The credentials are right, but this grant is not enabled for the client: ask the vendor.'],
  ['invalid_scope', 'Ask only for scopes that are registered for this client.'],
  ['unsupported_grant_type', 'The server does not offer this grant: check its grant_types_supported.'],
])

function bodyOf(answer: HttpAnswer): Record<string, unknown> {
  try {
    return jsonObject(answer)
  } catch {
    // Probably an HTML page of a proxy. Its text does not help, and may quote the request.
    return {}
  }
}

const SECRET_PARAMETERS = ['code', 'code_verifier', 'refresh_token', 'client_assertion', 'client_secret', 'token']

function secretsOf(client: Client, { headers, body }: ClientRequestDraft): string[] {
  const sent = SECRET_PARAMETERS.map((name) => body.get(name)).filter((value) => value !== null)
  const credentials = headers.authorization?.split(' ')[1]
  return [...sent, ...client.clientAuth.secrets(), ...(credentials ? [credentials] : [])]
}
