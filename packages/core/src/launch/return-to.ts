/**
 * A path of this app to go to after login, or the fallback: never another origin (RFC 9700 §4.11 on open redirectors).
 * `//host`, `/\host` and schemes are refused; so are control characters, which browsers drop before parsing.
 */
export function checkedReturnTo(candidate: string | null | undefined, fallback: string): string {
  if (!candidate?.startsWith('/') || /^\/[/\\]/.test(candidate) || /[\p{Cc}\\]/u.test(candidate)) return fallback
  const origin = 'https://this.invalid'
  if (!URL.canParse(candidate, origin)) return fallback
  const url = new URL(candidate, origin)
  // Dot segments are gone now, and `/..//host` has become `//host`.
  if (url.origin !== origin || url.pathname.startsWith('//')) return fallback
  return url.pathname + url.search + url.hash
}
