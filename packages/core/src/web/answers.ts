import { errorHeaders, type FhirAuthError } from '../errors.ts'
import { urlHeaderValue } from '../http/header-value.ts'
import type { AdapterRequest, Answer } from './adapter-contract.ts'
import { escapeHtml, htmlPage, STYLE_HASH } from './html-page.ts'

/** Answers of the auth paths are of one person and one moment. */
const NO_STORE = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' } as const

export function redirectAnswer(url: string, cookies: readonly string[] = []): Answer {
  const location = urlHeaderValue(url)
  return { kind: 'redirect', status: 303, location, headers: { ...NO_STORE, location }, cookies, body: '' }
}

/** @param scriptHash - CSP source of the one inline script the page has, if it has one */
export function pageAnswer(html: string, status = 200, cookies: readonly string[] = [], scriptHash?: string): Answer {
  return { kind: 'page', status, headers: pageHeaders(scriptHash), cookies, body: html }
}

export interface ProblemOptions {
  readonly cookies?: readonly string[] | undefined
  /** Where a person can try again. */
  readonly retryUrl?: string | undefined
  /** The method that the path takes, for a request with another one (RFC 9110 §15.5.6). */
  readonly allow?: string | undefined
}

/** A problem as its asker can read it: a plain page for a person, problem+json (RFC 9457) for a program. */
export function problemAnswer(error: FhirAuthError, request: AdapterRequest, options: ProblemOptions = {}): Answer {
  const { cookies = [], retryUrl, allow } = options
  const extra = { ...errorHeaders(error), ...(allow !== undefined && { allow }) }
  if (acceptsHtml(request)) {
    const headers = { ...pageHeaders(), ...extra }
    return { kind: 'problem', status: error.status, error, headers, cookies, body: problemPage(error, retryUrl) }
  }
  const headers = { ...NO_STORE, 'content-type': 'application/problem+json', ...extra }
  return { kind: 'problem', status: error.status, error, headers, cookies, body: JSON.stringify(error.toProblem()) }
}

/** Whether a browser shows the answer to a person, in a tab or a frame. */
export function isNavigation(request: AdapterRequest): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false
  const mode = request.header('sec-fetch-mode')
  if (mode !== undefined) return mode === 'navigate'
  // Older browsers do not say. What old scripts ask with says so itself.
  return acceptsHtml(request) && request.header('x-requested-with') !== 'XMLHttpRequest'
}

function acceptsHtml(request: AdapterRequest): boolean {
  return request.header('accept')?.includes('text/html') === true
}

function pageHeaders(scriptHash?: string): Record<string, string> {
  const script = scriptHash ? ` script-src '${scriptHash}';` : ''
  return {
    ...NO_STORE,
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-security-policy': `default-src 'none'; style-src '${STYLE_HASH}';${script} base-uri 'none'`,
  }
}

function problemPage(error: FhirAuthError, retryUrl: string | undefined): string {
  const more = error.error_uri ? `<p><a href="${escapeHtml(error.error_uri)}">More about this error</a></p>` : ''
  const retry = retryUrl ? `<p><a href="${escapeHtml(retryUrl)}">Log in again</a></p>` : ''
  const code = `<footer>Code: ${error.code}</footer>`
  return htmlPage(titleOf(error), `<p>${escapeHtml(error.message)}</p>${more}${retry}${code}`)
}

/** What a person understands at a glance; the rest is in the message. */
function titleOf({ code, status }: FhirAuthError): string {
  if (code === 'ambiguous_launch') return 'Which patient?'
  if (status === 401) return 'Please log in'
  if (status === 403) return 'Not allowed'
  return status < 500 ? 'That did not work' : 'Not available at the moment'
}
