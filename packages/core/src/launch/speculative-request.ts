import type { AdapterRequest, Answer } from '../web/adapter-contract.ts'

/** Headers that mark a request as a prefetch: nobody has opened the page yet. */
const SIGNS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'] as const
const SPECULATIVE = /prefetch|prerender|preview/i

/**
 * Whether a page is only prefetched (`Sec-Purpose`, Fetch §3.7, and its older names). Such a request must not use up a
 * `launch` value or an authorization code, which work only once.
 */
export function isSpeculative(request: AdapterRequest): boolean {
  return SIGNS.some((name) => SPECULATIVE.test(request.header(name) ?? ''))
}

/** An empty answer. The browser sends the request again when the person opens the page. */
export function nothingYet(): Answer {
  const headers = { 'cache-control': 'no-store', vary: SIGNS.join(', ') }
  return { kind: 'empty', status: 204, headers, cookies: [], body: '' }
}
