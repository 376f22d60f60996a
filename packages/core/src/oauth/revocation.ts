import type { Client } from '../client/client.ts'
import { FhirAuthError } from '../errors.ts'
import { type AuthorizationServer, type BackChannel, postAuthenticated } from './token-request.ts'

/**
 * Revokes a token (RFC 7009 §2). Revoking a refresh token ends its access tokens too, where the server can. A server
 * that cannot revoke access tokens at all is no failure: they expire soon.
 *
 * @throws `token_request_refused` and what a request can throw; a logout has ended the session before it calls this
 */
export async function revokeToken(
  client: Client,
  server: AuthorizationServer,
  revocationEndpoint: string,
  token: string,
  hint: 'refresh_token' | 'access_token',
  channel: BackChannel,
): Promise<void> {
  const parameters = new URLSearchParams({ token, token_type_hint: hint })
  try {
    await postAuthenticated({
      client,
      server,
      url: revocationEndpoint,
      parameters,
      grantType: 'refresh_token',
      channel: { ...channel, purpose: 'revocation' },
    })
  } catch (error) {
    const isUnsupported = error instanceof FhirAuthError && error.error === 'unsupported_token_type'
    if (!isUnsupported || hint === 'refresh_token') throw error
  }
}
