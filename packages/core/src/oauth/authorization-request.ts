import type { LaunchClient } from '../client/client.ts'
import type { AuthorizationRules } from '../dialects/dialect.ts'
import { requireEndpoint, type ServerMetadata } from '../discovery/server-metadata.ts'
import { FhirAuthError } from '../errors.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import { randomToken } from '../shared/random.ts'
import { codeChallenge } from './pkce.ts'

/**
 * What must be kept secretly until the response to an authorization request is checked. The response counts only for the
 * server that the request went to (RFC 9700 §4.4).
 */
export interface AuthorizationChecks {
  readonly state: string
  readonly codeVerifier: string | undefined
  readonly nonce: string | undefined
  readonly fhirBaseUrl: string
  readonly clientId: string
  readonly redirectUri: string
  /** The requested scope. It counts as granted if the token response has no `scope`. */
  readonly scope: string
  readonly tokenEndpoint: string
  readonly issuer: string | undefined
  /** Whether the server says that its responses have an `iss` (RFC 9207). */
  readonly issuerInResponse: boolean
}

export interface AuthorizationRequest {
  readonly endpoint: string
  readonly method: AuthorizationRules['method']
  readonly parameters: URLSearchParams
  /** Endpoint with parameters, for a redirect. */
  readonly url: string
  readonly checks: AuthorizationChecks
}

export interface AuthorizationRequestOptions {
  /** The `launch` value of an EHR launch, sent back unchanged. Undefined for a standalone launch. */
  readonly launch?: string | undefined
  /** Binds the response to this request. Default: a new random value. */
  readonly state?: string | undefined
}

/**
 * Builds an authorization request (SMART App Launch 2.2 "Request authorization code"). By default it has a new `state`, PKCE
 * with S256, and the FHIR base URL as audience.
 *
 * @throws `missing_endpoint`, `unsupported_by_server`
 */
export async function createAuthorizationRequest(
  client: LaunchClient,
  metadata: ServerMetadata,
  { launch, state = randomToken() }: AuthorizationRequestOptions = {},
): Promise<AuthorizationRequest> {
  const { authorization, scopes } = client.dialect
  const publishedEndpoint = requireEndpoint(metadata, 'authorization_endpoint')
  const tokenEndpoint = requireEndpoint(metadata, 'token_endpoint')
  const scope = requestedScope(client, launch !== undefined)
  const codeVerifier = usesPkce(authorization.pkce, metadata) ? randomToken() : undefined
  const nonce = authorization.nonce && scope.has('openid') ? randomToken() : undefined

  const parameters = new URLSearchParams({
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    scope: encodeScope(scope, scopes.encode),
    state,
  })
  // No parameter may be sent empty (RFC 6749 §3.1). An app only for EHR launches may have no scope besides `launch`.
  if (scope.size === 0) parameters.delete('scope')
  const { audienceParameter } = authorization
  if (audienceParameter === 'aud' || audienceParameter === 'both') parameters.set('aud', client.fhirBaseUrl)
  if (audienceParameter === 'audience' || audienceParameter === 'both') parameters.set('audience', client.fhirBaseUrl)
  if (launch !== undefined) parameters.set('launch', launch)
  if (codeVerifier !== undefined) {
    parameters.set('code_challenge', await codeChallenge(codeVerifier))
    parameters.set('code_challenge_method', 'S256')
  }
  if (nonce !== undefined) parameters.set('nonce', nonce)
  const { clientId, fhirBaseUrl } = client
  const further = authorization.parameters({ clientId, fhirBaseUrl, grantType: 'authorization_code' })
  for (const [name, value] of Object.entries(further)) {
    // No parameter may be empty or repeated (RFC 6749 §3.1).
    if (value !== '' && !parameters.has(name)) parameters.set(name, value)
  }

  const endpoint = withoutParameters(publishedEndpoint, parameters)
  return {
    endpoint,
    method: authorization.method,
    parameters,
    url: `${endpoint}${endpoint.includes('?') ? '&' : '?'}${parameters}`,
    checks: {
      state,
      codeVerifier,
      nonce,
      fhirBaseUrl: client.fhirBaseUrl,
      clientId: client.clientId,
      redirectUri: client.redirectUri,
      scope: scope.toString(),
      tokenEndpoint,
      issuer: metadata.issuer,
      issuerInResponse: metadata.authorization_response_iss_parameter_supported === true,
    },
  }
}

/**
 * The scope of an authorization request. `launch` is added for an EHR launch and removed otherwise, so that one configured
 * scope works for both.
 */
export function requestedScope({ scope: configured }: LaunchClient, isEhrLaunch: boolean): ScopeSet {
  const scopes = [...ScopeSet.parse(configured)].filter((scope) => scope !== 'launch')
  return ScopeSet.parse(isEhrLaunch ? ['launch', ...scopes] : scopes)
}

/** Removes from an endpoint's own query what this request sets, because no parameter may occur twice (RFC 6749 §3.1). */
function withoutParameters(endpoint: string, parameters: URLSearchParams): string {
  const [address = '', ...rest] = endpoint.split('?')
  if (rest.length === 0) return endpoint
  const own = rest.join('?').split('&')
  const kept = own.filter(
    (pair) => pair !== '' && ![...new URLSearchParams(pair).keys()].some((name) => parameters.has(name)),
  )
  return kept.length === 0 ? address : `${address}?${kept.join('&')}`
}

function encodeScope(scope: ScopeSet, encode: (scope: string) => string): string {
  return [...scope].map(encode).join(' ')
}

function usesPkce(policy: AuthorizationRules['pkce'], metadata: ServerMetadata): boolean {
  if (policy === 'off') return false
  const methods = metadata.code_challenge_methods_supported
  if (methods?.includes('S256')) return true
  if (methods && methods.length > 0) {
    // No downgrade to `plain`, which SMART forbids.
    throw new FhirAuthError(
      'unsupported_by_server',
      `The server lists PKCE methods (${methods.join(', ')}) without S256, which SMART requires. Ask its vendor; there is no weaker fallback.`,
    )
  }
  if (policy === 'required') {
    throw new FhirAuthError(
      'unsupported_by_server',
      "The server does not advertise PKCE S256. Use the dialect rule authorization.pkce: 'force' to send it anyway.",
    )
  }
  return policy === 'force'
}
