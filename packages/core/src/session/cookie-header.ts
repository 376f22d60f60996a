/** How the cookies of one app are written. */
export interface CookiePolicy {
  /** False only for an app on http://localhost. */
  readonly secure: boolean
  /** `none` for an app in an EHR's frame: then also `Secure` and `Partitioned`. */
  readonly sameSite: 'lax' | 'none'
}

/** `__Host-` pins a cookie to this host, path `/` and TLS (RFC 6265bis §4.1.3.2); browsers refuse it without `Secure`. */
export function cookieName(name: string, { secure }: CookiePolicy): string {
  return secure ? `__Host-${name}` : name
}

export function setCookie(name: string, value: string, maxAgeSeconds: number, policy: CookiePolicy): string {
  const site = policy.sameSite === 'none' ? 'None; Partitioned' : 'Lax'
  const secure = policy.secure ? '; Secure' : ''
  return `${name}=${value}; Path=/; Max-Age=${Math.floor(maxAgeSeconds)}; HttpOnly${secure}; SameSite=${site}`
}

export function clearCookie(name: string, policy: CookiePolicy): string {
  return setCookie(name, '', 0, policy)
}

/** The value of one cookie, found without parsing the others: this runs on every request. */
export function readCookie(header: string, name: string): string | undefined {
  let at = header.indexOf(name)
  while (at >= 0) {
    const valueAt = at + name.length + 1
    // A whole name, not the tail of another's or the start of a longer one's.
    if (header.charCodeAt(valueAt - 1) === 61 /* = */ && isBoundary(header, at)) {
      const end = header.indexOf(';', valueAt)
      const value = end < 0 ? header.slice(valueAt) : header.slice(valueAt, end)
      return value.trimEnd()
    }
    at = header.indexOf(name, at + 1)
  }
  return undefined
}

/** Blanks alone are no boundary: a value may have them, and a sibling host may write values (RFC 6265 §8.6). */
function isBoundary(header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isBlank(header.charCodeAt(before))) before--
  return before < 0 || header.charCodeAt(before) === 59 /* ; */
}

function isBlank(character: number): boolean {
  return character === 32 || character === 9
}

/** Names that start with the prefix, in header order: oldest first for cookies of one path (RFC 6265 §5.4). */
export function cookieNames(header: string | undefined, prefix: string): string[] {
  if (header === undefined) return []
  const names = header.split(';').map((pair) => pair.slice(0, Math.max(0, pair.indexOf('='))).trim())
  return names.filter((name) => name.startsWith(prefix))
}
