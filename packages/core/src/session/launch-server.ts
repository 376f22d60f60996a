import type { FhirAuthError } from '../errors.ts'
import type { LaunchEndReason } from '../events.ts'
import type { LaunchRecord } from './record.ts'

/** What a session needs from the authorization server of a launch. */
export interface LaunchServer {
  /**
   * Refreshes the tokens of a launch. If the new tokens are refused, they are revoked.
   *
   * @throws `token_request_refused`, `invalid_token_response`, `invalid_id_token`, `context_changed`, and the errors of
   *   discovery and of a request
   */
  refresh(launch: LaunchRecord): Promise<LaunchRecord>
  /** Revokes the tokens of a launch (RFC 7009), if the server has a revocation endpoint. */
  revoke(launch: LaunchRecord): Promise<void>
}

/** Why a failed refresh ends the launch; undefined if the next try may succeed. */
export function endReasonOf({ code, error }: FhirAuthError): LaunchEndReason | undefined {
  if (code === 'invalid_id_token' || code === 'context_changed') return code
  return error === 'invalid_grant' ? error : undefined
}
