import { errorHeaders, FhirAuthError } from '../errors.ts'
import { checkHeaderValue, urlHeaderValue } from '../http/header-value.ts'
import { type AdapterRequest, type Answer, pathOf } from './adapter-contract.ts'
import { escapeHtml, htmlPage, STYLE_HASH } from './html-page.ts'

/** Answers of the auth paths are of one person and one moment. */
const NO_STORE = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' } as const

export function redirectAnswer(url: string, cookies: readonly string[] = []): Answer {
  const location = urlHeaderValue(url)
  return checked({ kind: 'redirect', status: 303, location, headers: { ...NO_STORE, location }, cookies, body: '' })
}

/** @param scriptHash - CSP source of the one inline script the page has, if it has one */
export function pageAnswer(html: string, status = 200, cookies: readonly string[] = [], scriptHash?: string): Answer {
  return checked({ kind: 'page', status, headers: pageHeaders(scriptHash), cookies, body: html })
}

export interface ProblemOptions {
  readonly cookies?: readonly string[] | undefined
  /** Where a person can try again. */
  readonly retryUrl?: string | undefined
  /** The methods that the path takes, for a request with another one (RFC 9110 §15.5.6). */
  readonly allow?: string | undefined
}

/** A problem as its asker can read it: a plain page for a person, problem+json (RFC 9457) for a program. */
export function problemAnswer(error: FhirAuthError, request: AdapterRequest, options: ProblemOptions = {}): Answer {
  const { cookies = [], retryUrl, allow } = options
  const extra = { ...errorHeaders(error), ...(allow !== undefined && { allow }) }
  const [headers, body] = acceptsHtml(request)
    ? [pageHeaders(), problemPage(error, retryUrl)]
    : [{ ...NO_STORE, 'content-type': 'application/problem+json' }, JSON.stringify(error.toProblem())]
  return checked({ kind: 'problem', status: error.status, error, headers: { ...headers, ...extra }, cookies, body })
}

/**
 * The answer to a method that a path does not take; undefined where it takes it.
 *
 * @param allow - as the header has it: `GET, HEAD`
 */
export function refuseMethod(request: AdapterRequest, allow: string): Answer | undefined {
  const { method, url } = request
  if (allow.split(', ').includes(method)) return undefined
  const message = `${pathOf(url)} takes ${allow.replace(', ', ' and ')}, not ${method}.`
  return problemAnswer(new FhirAuthError('method_not_allowed', message), request, { allow })
}

/** Runtimes throw at a header that must not be, and an adapter would throw with them. */
function checked(answer: Answer): Answer {
  for (const [name, value] of Object.entries(answer.headers)) checkHeaderValue(name, value)
  for (const cookie of answer.cookies) checkHeaderValue('set-cookie', cookie)
  return answer
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
    'content-security-policy': `default-src 'none'; style-src '${STYLE_HASH}';${script} base-uri 'none'; frame-ancestors 'none'`,
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
