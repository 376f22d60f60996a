/** The attributes of an app's cookies. */
export interface CookiePolicy {
  /** False only for an app on http://localhost. */
  readonly secure: boolean
  /** `none` for an app in an EHR's frame. Its cookies are also `Secure` and `Partitioned`. */
  readonly sameSite: 'lax' | 'none'
}

/** `__Host-` binds a cookie to this host, path `/` and TLS (RFC 6265bis §4.1.3.2); browsers refuse it without `Secure`. */
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

/** The value of one cookie. Runs on every request, so it does not parse the others. */
export function readCookie(header: string, name: string): string | undefined {
  let at = header.indexOf(name)
  while (at >= 0) {
    const valueAt = at + name.length + 1
    // Only a whole name counts, not the end or the start of a longer one.
    if (header.charCodeAt(valueAt - 1) === 61 /* = */ && isBoundary(header, at)) {
      const end = header.indexOf(';', valueAt)
      const value = end < 0 ? header.slice(valueAt) : header.slice(valueAt, end)
      return value.trimEnd()
    }
    at = header.indexOf(name, at + 1)
  }
  return undefined
}

/** A space alone is not a boundary: a value may contain one, and a sibling host may set values (RFC 6265 §8.6). */
function isBoundary(header: string, at: number): boolean {
  let before = at - 1
  while (before >= 0 && isBlank(header.charCodeAt(before))) before--
  return before < 0 || header.charCodeAt(before) === 59 /* ; */
}

function isBlank(character: number): boolean {
  return character === 32 || character === 9
}

/** The names that start with the prefix, in header order. For cookies of one path the oldest is first (RFC 6265 §5.4). */
export function cookieNames(header: string | undefined, prefix: string): string[] {
  if (header === undefined) return []
  const names = header.split(';').map((pair) => pair.slice(0, Math.max(0, pair.indexOf('='))).trim())
  return names.filter((name) => name.startsWith(prefix))
}
