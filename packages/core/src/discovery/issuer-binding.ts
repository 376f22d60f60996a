import type { SourceAnswer } from './sources.ts'

/**
 * Whether an issuer that a document names belongs to the server. A hostile document may name somebody else's issuer together
 * with its own keys or token endpoint. So an issuer counts only if the app has configured it, if it has the origin of the FHIR
 * base or of the document that names it, or if the issuer's own openid-configuration confirms it (RFC 8414 §3.3, OpenID
 * Connect Discovery §4.3).
 */
export function isOfOrigin(issuer: string, urls: readonly string[]): boolean {
  if (!URL.canParse(issuer)) return false
  const { origin } = new URL(issuer)
  return urls.some((url) => URL.canParse(url) && new URL(url).origin === origin)
}

/** The endpoints that the issuer's own document must confirm: people log in there, and codes are sent there. */
const CONFIRMED_ENDPOINTS = ['authorization_endpoint', 'token_endpoint'] as const

/**
 * Whether the issuer's own document names the same endpoints. One that it does not name must be on the issuer's host: the
 * document of a hostile server could name its own, and have codes and assertions for this issuer sent there.
 */
export function confirms(own: SourceAnswer | undefined, members: Readonly<Record<string, unknown>>): boolean {
  const { members: confirmed, url = '' } = own ?? {}
  if (confirmed === undefined) return false
  return CONFIRMED_ENDPOINTS.every((name) => {
    const { [name]: endpoint } = members
    if (confirmed[name] !== undefined || typeof endpoint !== 'string') return confirmed[name] === endpoint
    return isOfOrigin(endpoint, [url])
  })
}
