/** Says that sessions live in the browser's cookies. Made by {@link cookieStore}. */
export class CookieStore {
  readonly kind = 'cookie'
}

/**
 * Keeps the whole session, encrypted, in the browser's cookies: for deployments without any state on the server. It can do
 * less than a store: see docs/session-stores.md.
 */
export function cookieStore(): CookieStore {
  return new CookieStore()
}
