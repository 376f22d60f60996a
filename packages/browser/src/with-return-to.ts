/**
 * The login that leads back to this page as it is now: the server does not see the part after `#`, nor anything where the page
 * sends no `Referer`. A login of another origin stays as it is.
 */
export function withReturnTo(loginUrl: string): string {
  const login = new URL(loginUrl, location.href)
  if (login.origin === location.origin) {
    login.searchParams.set('returnTo', location.pathname + location.search + location.hash)
  }
  return login.href
}
