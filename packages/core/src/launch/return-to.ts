import type { Emit } from '../events.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'

/**
 * The path of the page that a request was sent from, as the browser sees it. If a form is sent without a login, the person
 * returns to the page of the form, and has to send it again.
 *
 * @param origin - that of the app; pages of other sites do not count
 */
export function pageBefore(request: AdapterRequest, origin: string): string | undefined {
  const referer = request.header('referer')
  if (referer === undefined || !URL.canParse(referer)) return undefined
  const page = new URL(referer)
  return page.origin === origin ? page.pathname + page.search : undefined
}

/** A longer address does not fit into the login's cookie, nor into the URL of the login page. */
const MAX_LENGTH = 2500

/** The address of a page to return to, unless it is too long to be kept. */
export function keepableAddress(address: string | null | undefined, emit: Emit): string | undefined {
  if (address === null || address === undefined || address.length <= MAX_LENGTH) return address ?? undefined
  emit({ type: 'return_to_dropped', length: address.length })
  return undefined
}

/**
 * A path of this app to go to after the login, or the fallback; never another origin (RFC 9700 §4.11 on open redirectors).
 * `//host`, `/\host` and schemes are refused. So are control characters, which browsers remove before parsing.
 */
export function checkedReturnTo(candidate: string | null | undefined, fallback: string): string {
  if (!candidate?.startsWith('/') || /^\/[/\\]/.test(candidate) || /[\p{Cc}\\]/u.test(candidate)) return fallback
  const origin = 'https://this.invalid'
  if (!URL.canParse(candidate, origin)) return fallback
  const url = new URL(candidate, origin)
  // Parsing has resolved dot segments: `/..//host` is now `//host`.
  if (url.origin !== origin || url.pathname.startsWith('//')) return fallback
  return url.pathname + url.search + url.hash
}
