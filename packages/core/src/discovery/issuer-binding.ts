import type { SourceAnswer } from './sources.ts'

/**
 * Who vouches for an issuer that a document names? No server is trusted towards another: a document may name somebody
 * else's issuer, and its own keys or token endpoint with it. So an issuer counts when the app has pinned it, when it is of
 * the origin of the FHIR base or of the document that names it, or when the issuer's own openid-configuration says the
 * same (RFC 8414 §3.3, OpenID Connect Discovery §4.3).
 */
export function isOfOrigin(issuer: string, urls: readonly string[]): boolean {
  if (!URL.canParse(issuer)) return false
  const { origin } = new URL(issuer)
  return urls.some((url) => URL.canParse(url) && new URL(url).origin === origin)
}

/** Where people log in and codes are sent: an issuer that vouches for other ones does not vouch for these. */
const VOUCHED_FOR = ['authorization_endpoint', 'token_endpoint'] as const

/** Whether the issuer's own document names no other endpoints than those that would be used under its name. */
export function confirms(own: SourceAnswer | undefined, members: Readonly<Record<string, unknown>>): boolean {
  const { members: confirmed } = own ?? {}
  if (confirmed === undefined) return false
  return VOUCHED_FOR.every((name) => confirmed[name] === undefined || confirmed[name] === members[name])
}
