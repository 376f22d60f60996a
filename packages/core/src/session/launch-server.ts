import type { FhirAuthError } from '../errors.ts'
import type { LaunchEndReason } from '../events.ts'
import type { LaunchRecord } from './record.ts'

/** What a session asks of the authorization server that a launch came from. */
export interface LaunchServer {
  /**
   * The launch with new tokens, by its refresh token. Tokens that the launch must not get are revoked.
   *
   * @throws `token_request_refused`, `invalid_token_response`, `invalid_id_token`, `context_changed` and what discovery
   *   and a request can throw
   */
  refresh(launch: LaunchRecord): Promise<LaunchRecord>
  /** Tells the server that nobody keeps these tokens (RFC 7009), where it wants to know. */
  revoke(launch: LaunchRecord): Promise<void>
}

/** Why a launch is over after a refresh that failed; undefined where the next try may succeed. */
export function endReasonOf({ code, error }: FhirAuthError): LaunchEndReason | undefined {
  if (code === 'invalid_id_token' || code === 'context_changed') return code
  return error === 'invalid_grant' ? error : undefined
}
