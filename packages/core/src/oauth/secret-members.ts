/**
 * Members of a token response that are secrets, by the end of their name or by the whole name. `device_secret` comes from
 * OpenID Connect Native SSO, `registration_access_token` from RFC 7592, `device_code` from RFC 8628, `pct` and `rpt` from UMA
 * 2.0, `auth_req_id` from OpenID CIBA, `code` and `code_verifier` from servers that repeat what they were sent.
 */
const SECRET_NAME = /(?:secret|token|password|assertion)$/i
const SECRET_NAMES = ['device_code', 'pct', 'rpt', 'auth_req_id', 'code', 'code_verifier', 'private_key']

/** Whether handlers must not get a member. With the launch context it might be logged, or sent to a browser. */
export function isSecretMember(name: string): boolean {
  return SECRET_NAME.test(name) || SECRET_NAMES.includes(name.toLowerCase())
}
