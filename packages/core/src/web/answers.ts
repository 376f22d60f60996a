import { errorHeaders, FhirAuthError } from '../errors.ts'
import { checkHeaderValue, urlHeaderValue } from '../http/header-value.ts'
import { type AdapterRequest, type Answer, pathOf } from './adapter-contract.ts'
import { STYLE_HASH } from './html-page.ts'
import { isWorthTelling, type ProblemPlace } from './problem-log.ts'
import { problemPage } from './problem-page.ts'
import { DEFAULT_PROBLEM_SETTINGS, type ProblemSettings } from './problem-settings.ts'

/** Answers of the auth paths are for one person only, and must not be cached. */
const NO_STORE = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' } as const

export function redirectAnswer(url: string, cookies: readonly string[] = []): Answer {
  const location = urlHeaderValue(url)
  return checked({ kind: 'redirect', status: 303, location, headers: { ...NO_STORE, location }, cookies, body: '' })
}

/** @param scriptHash - CSP source of the page's inline script, if it has one */
export function pageAnswer(html: string, status = 200, cookies: readonly string[] = [], scriptHash?: string): Answer {
  return checked({ kind: 'page', status, headers: pageHeaders(scriptHash), cookies, body: html })
}

export interface ProblemOptions {
  readonly cookies?: readonly string[] | undefined
  /** Where a person can try again. */
  readonly retryUrl?: string | undefined
  /** Default: pages without an app name, and a log line on `console.error`. */
  readonly settings?: ProblemSettings | undefined
  /** For the operator's log line. */
  readonly place?: ProblemPlace | undefined
  /** The methods that the path allows, for the header `Allow` of a 405 (RFC 9110 §15.5.6). */
  readonly allow?: string | undefined
}

/**
 * The answer to a problem, which has two audiences. The client gets a page in plain words, or problem+json (RFC 9457) if it
 * is a program. The operator gets a log line that says what broke, with the same reference.
 */
export function problemAnswer(error: FhirAuthError, request: AdapterRequest, options: ProblemOptions = {}): Answer {
  const { cookies = [], allow, settings = DEFAULT_PROBLEM_SETTINGS, place = {} } = options
  const retryUrl = options.retryUrl ?? (canLogInHelp(error) ? settings.loginUrl : undefined)
  const isTold = isWorthTelling(error)
  if (isTold) settings.tellOperator(error, place)
  const extra = { ...errorHeaders(error), ...(allow !== undefined && { allow }) }
  const [headers, body] = acceptsHtml(request)
    ? visitorPage()
    : [{ ...NO_STORE, 'content-type': 'application/problem+json' }, JSON.stringify(error.toProblem())]
  return checked({ kind: 'problem', status: error.status, error, headers: { ...headers, ...extra }, cookies, body })

  function visitorPage(): [Record<string, string>, string] {
    const reference = isTold ? error.reference : undefined
    const { html, isOwn } = problemPage({ error, retryUrl, reference }, settings.pages)
    return [isOwn ? ownPageHeaders() : pageHeaders(), html]
  }
}

/** What was not shared can be shared at another login. */
export function canLogInHelp({ status, code }: FhirAuthError): boolean {
  return status === 401 || code === 'insufficient_scope'
}

/**
 * The answer to a method that a path does not allow; undefined if it allows it.
 *
 * @param allow - as in the header: `GET, HEAD`
 */
export function refuseMethod(request: AdapterRequest, allow: string, settings?: ProblemSettings): Answer | undefined {
  const { method, url } = request
  if (allow.split(', ').includes(method)) return undefined
  const message = `${pathOf(url)} takes ${allow.replace(', ', ' and ')}, not ${method}.`
  return problemAnswer(new FhirAuthError('method_not_allowed', message), request, { allow, settings })
}

/** Checks all headers here, because runtimes throw for a wrong one only when the adapter sets it. */
function checked(answer: Answer): Answer {
  for (const [name, value] of Object.entries(answer.headers)) checkHeaderValue(name, value)
  for (const cookie of answer.cookies) checkHeaderValue('set-cookie', cookie)
  return answer
}

/** Whether a browser will show the answer to a person, in a tab or a frame. */
export function isNavigation(request: AdapterRequest): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false
  const mode = request.header('sec-fetch-mode')
  if (mode !== undefined) return mode === 'navigate'
  // Older browsers do not send it. There, many scripts send x-requested-with.
  return acceptsHtml(request) && request.header('x-requested-with') !== 'XMLHttpRequest'
}

function acceptsHtml(request: AdapterRequest): boolean {
  return request.header('accept')?.includes('text/html') === true
}

function pageHeaders(scriptHash?: string): Record<string, string> {
  const script = scriptHash ? ` script-src '${scriptHash}';` : ''
  return htmlHeaders(`default-src 'none'; style-src '${STYLE_HASH}';${script}`)
}

/** For a page that the app has written itself. It allows no scripts, because the page may contain text from the request. */
function ownPageHeaders(): Record<string, string> {
  return htmlHeaders("default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self';")
}

function htmlHeaders(sources: string): Record<string, string> {
  return {
    ...NO_STORE,
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-security-policy': `${sources} base-uri 'none'; frame-ancestors 'none'`,
  }
}
