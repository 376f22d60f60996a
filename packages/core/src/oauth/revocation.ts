import { FhirAuthError } from '../errors.ts'
import { postAuthenticated, type ServerAccess } from './token-request.ts'

export interface RevocationRequest {
  readonly token: string
  readonly hint: 'refresh_token' | 'access_token'
  /** The server's `revocation_endpoint`. */
  readonly endpoint: string
}

/**
 * Revokes a token (RFC 7009 §2). Revoking a refresh token also ends its access tokens, if the server supports that. It is not
 * an error if a server cannot revoke access tokens, because they expire soon.
 *
 * @throws `token_request_refused`, and the errors of a request. A logout ends the session before it calls this.
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
