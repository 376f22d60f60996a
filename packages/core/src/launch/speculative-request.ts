import type { AdapterRequest, Answer } from '../web/adapter-contract.ts'

/** How a browser, or a proxy before it, says that nobody has opened this page yet. */
const SIGNS = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'] as const
const SPECULATIVE = /prefetch|prerender|preview/i

/**
 * Whether a page is only fetched ahead (`Sec-Purpose`, Fetch §3.7, and the names it had before). Such a request must not
 * use up what serves once: a launch handle, or an authorization code.
 */
export function isSpeculative(request: AdapterRequest): boolean {
  return SIGNS.some((name) => SPECULATIVE.test(request.header(name) ?? ''))
}

/** Nothing is there yet: the browser asks again when the person opens the page. */
export function nothingYet(): Answer {
  const headers = { 'cache-control': 'no-store', vary: SIGNS.join(', ') }
  return { kind: 'empty', status: 204, headers, cookies: [], body: '' }
}
