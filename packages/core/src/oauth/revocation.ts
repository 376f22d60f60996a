import { FhirAuthError } from '../errors.ts'
import { postAuthenticated, type ServerAccess } from './token-request.ts'

export interface RevocationRequest {
  readonly token: string
  readonly hint: 'refresh_token' | 'access_token'
  /** The server's `revocation_endpoint`. */
  readonly endpoint: string
}

/**
 * Revokes a token (RFC 7009 §2). Revoking a refresh token ends its access tokens too, where the server can. A server
 * that cannot revoke access tokens at all is no failure: they expire soon.
 *
 * @throws `token_request_refused` and what a request can throw; a logout has ended the session before it calls this
 */
export async function revokeToken(
  { token, hint, endpoint }: RevocationRequest,
  { client, server, channel }: ServerAccess,
): Promise<void> {
  const parameters = new URLSearchParams({ token, token_type_hint: hint })
  try {
    await postAuthenticated({
      client,
      server,
      url: endpoint,
      parameters,
      grantType: 'refresh_token',
      channel: { ...channel, purpose: 'revocation' },
    })
  } catch (error) {
    const isUnsupported = error instanceof FhirAuthError && error.error === 'unsupported_token_type'
    if (!isUnsupported || hint === 'refresh_token') throw error
  }
}
