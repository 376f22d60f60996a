/** Marks that sessions are kept in the browser's cookies. Made by {@link cookieStore}. */
export class CookieStore {
  readonly kind = 'cookie'
}

/**
 * Keeps the whole session, encrypted, in the browser's cookies: for deployments without any state on the server. For its
 * limits see docs/session-stores.md.
 */
export function cookieStore(): CookieStore {
  return new CookieStore()
}
