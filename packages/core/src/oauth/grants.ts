import type { Client } from '../client/client.ts'
import type { GrantType } from '../dialects/dialect.ts'
import { ScopeSet } from '../fhir/scope-set.ts'
import { onceMoreAfterReset } from '../http/send-bounded.ts'
import { refuseOption } from '../options.ts'
import type { AuthorizationChecks } from './authorization-request.ts'
import { askAuthenticated, type ServerAccess } from './token-request.ts'
import { readTokenResponse, type TokenResponse } from './token-response.ts'

/**
 * Exchanges a code for tokens (RFC 6749 §4.1.3), only at the token endpoint that was stored with the request. It is never
 * tried twice: a second use of a code may revoke the tokens of the first.
 */
export async function exchangeCode(
  code: string,
  checks: AuthorizationChecks,
  access: ServerAccess,
): Promise<TokenResponse> {
  const parameters = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: checks.redirectUri,
    ...(checks.codeVerifier !== undefined && { code_verifier: checks.codeVerifier }),
  })
  return requestToken(parameters, { grantType: 'authorization_code', scope: checks.scope }, access)
}

export interface RefreshRequest {
  readonly refreshToken: string
  /** The scope that was granted before. */
  readonly grantedScope: string
  /** A subset of the granted scope (RFC 6749 §6). Default: the granted scope. */
  readonly scope?: string | undefined
}

/**
 * Gets a new access token (RFC 6749 §6), with the same client authentication as the code exchange.
 *
 * @throws `invalid_option` if the scope is wider than the granted one
 */
export async function refreshGrant(request: RefreshRequest, access: ServerAccess): Promise<TokenResponse> {
  const { refreshToken, grantedScope, scope } = request
  const parameters = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken })
  if (scope !== undefined) {
    const wider = ScopeSet.parse(grantedScope).missing(scope)
    if (wider.length > 0) refuseOption(`A refresh cannot widen the scope: ${wider.join(' ')} was not granted.`)
    parameters.set('scope', encodeScope(scope, access.client))
  }
  return requestToken(parameters, { grantType: 'refresh_token', scope: scope ?? grantedScope }, access)
}

/**
 * Gets a token for the app itself (SMART App Launch 2.2 "Backend Services", RFC 6749 §4.4). After a reset it asks once more,
 * with a new `jti`: unlike a code or a refresh token, nothing is used up by it.
 */
export async function clientCredentialsGrant(scope: string, access: ServerAccess): Promise<TokenResponse> {
  const written = encodeScope(scope, access.client)
  return onceMoreAfterReset(() => {
    const parameters = new URLSearchParams({ grant_type: 'client_credentials', scope: written })
    return requestToken(parameters, { grantType: 'client_credentials', scope }, access)
  })
}

async function requestToken(
  parameters: URLSearchParams,
  { grantType, scope }: { grantType: GrantType; scope: string },
  { client, server, channel }: ServerAccess,
): Promise<TokenResponse> {
  const { clientId, fhirBaseUrl, dialect } = client
  const { token, scopes } = dialect
  // Not for client_credentials: there the assertion names the client.
  if (token.sendClientId === 'always' && grantType !== 'client_credentials') parameters.set('client_id', clientId)
  for (const [name, value] of Object.entries(token.parameters({ clientId, fhirBaseUrl, grantType }))) {
    parameters.set(name, value)
  }
  const requestedAt = channel.now()
  const request = { client, server, url: server.tokenEndpoint, parameters, grantType, channel }
  const body = await askAuthenticated('access_token', request)
  const response = readTokenResponse(body, token, requestedAt, encodeScope(scope, client))
  const granted = [...ScopeSet.parse(response.scope)].map(scopes.decode).join(' ')
  return granted === response.scope ? response : { ...response, scope: granted }
}

/** The scopes in the dialect's wire form, separated by spaces. */
function encodeScope(scope: string, { dialect }: Client): string {
  return [...ScopeSet.parse(scope)].map(dialect.scopes.encode).join(' ')
}
