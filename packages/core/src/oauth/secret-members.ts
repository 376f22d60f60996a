/**
 * Members of a token response that are secrets: by how their names end, and these besides. `device_secret` is of OpenID
 * Connect Native SSO, `registration_access_token` of RFC 7592, `device_code` of RFC 8628, `pct` and `rpt` of UMA 2.0,
 * `auth_req_id` of OpenID CIBA, `code` and `code_verifier` of a server that repeats what it was sent.
 */
const SECRET_NAME = /(?:secret|token|password|assertion)$/i
const SECRET_NAMES = ['device_code', 'pct', 'rpt', 'auth_req_id', 'code', 'code_verifier', 'private_key']

/** Whether a member is kept from handlers: it would be logged, or sent to a browser, with the rest of the launch context. */
export function isSecretMember(name: string): boolean {
  return SECRET_NAME.test(name) || SECRET_NAMES.includes(name.toLowerCase())
}
