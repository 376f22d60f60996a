/**
 * A path of this app to go to after login, or the fallback: never another origin (RFC 9700 §4.11 on open redirectors).
 * `//host`, `/\host` and schemes are refused; so are control characters, which browsers drop before parsing.
 */
export function checkedReturnTo(candidate: string | null | undefined, fallback: string): string {
  if (!candidate?.startsWith('/') || /^\/[/\\]/.test(candidate) || /[\p{Cc}\\]/u.test(candidate)) return fallback
  const origin = 'https://this.invalid'
  if (!URL.canParse(candidate, origin)) return fallback
  const url = new URL(candidate, origin)
  return url.origin === origin ? url.pathname + url.search + url.hash : fallback
}
