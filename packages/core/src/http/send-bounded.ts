import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import { durationSince, type Emit, type EventListener, type RequestEvent, type RequestPurpose } from '../events.ts'
import { callable, type OptionRule, positive } from '../options.ts'
import { shownText } from '../shared/shown-text.ts'
import { withTimeLimit } from '../shared/time-limit.ts'
import { checkResponse, discardBody, readBounded } from './read-bounded.ts'
import { checkSecureUrl, shownUrl } from './secure-url.ts'

/** How this library talks to servers. */
export interface HttpOptions {
  /** Your own `fetch`, e.g. with a proxy or mutual TLS. Default: the global one. It must honour `redirect: 'manual'`. */
  fetch?: typeof globalThis.fetch | undefined
  /** Time limit of one request, headers and body, in seconds. Default 10. */
  timeoutSeconds?: number | undefined
}

/** HTTP options with a listener for each request. */
export interface WatchedHttp extends HttpOptions {
  readonly onRequest?: ((request: RequestEvent) => void) | undefined
}

export interface HttpRequest {
  method: 'GET' | 'POST'
  url: string
  headers: Record<string, string>
  body?: URLSearchParams | undefined
  /** Largest body accepted, in bytes. Default 1 MiB. */
  maxBytes?: number | undefined
  /** For the event. Default `token`. */
  purpose?: RequestPurpose | undefined
  grantType?: string | undefined
}

/** A complete response: its body has been read and is not too large. */
export interface HttpAnswer {
  url: string
  status: number
  headers: Headers
  body: string
}

export const DEFAULT_TIMEOUT_SECONDS = 10

export const HTTP_OPTIONS: {
  readonly fetch: OptionRule<HttpOptions['fetch']>
  readonly timeoutSeconds: OptionRule<number>
} = { fetch: callable(), timeoutSeconds: positive(DEFAULT_TIMEOUT_SECONDS) }

const DEFAULT_MAX_BYTES = 1024 * 1024

/**
 * Sends one request, with limits: https only (http for loopback), no redirect followed, one time limit for headers and
 * body, a maximum body size. Discovery and every request with a secret use this function.
 *
 * @throws `insecure_url`, `network_error`, `timeout`, `unexpected_redirect`, `response_too_large`
 */
export async function sendBounded(request: HttpRequest, options: WatchedHttp): Promise<HttpAnswer> {
  const { onRequest } = options
  if (onRequest === undefined) return send(request, options)
  const { purpose = 'token', grantType } = request
  const startedAt = performance.now()
  const tell = (status: number | undefined, error: FhirAuthError | undefined) => {
    const durationMs = durationSince(startedAt)
    onRequest({ type: 'request', purpose, grantType, url: shownUrl(request.url), status, durationMs, error })
  }
  try {
    const answer = await send(request, options)
    tell(answer.status, undefined)
    return answer
  } catch (cause) {
    const error = asFhirAuthError(cause, 'network_error', 'The request failed.')
    tell(undefined, error)
    throw error
  }
}

/** Adds the listener for requests, if the app has one. */
export function watchedHttp(http: HttpOptions, listener: EventListener | undefined, emit: Emit): WatchedHttp {
  return listener === undefined ? http : { ...http, onRequest: emit }
}

/** Errors of connections that were reset before any response. Probably the server had closed an idle connection. */
const resets = new WeakSet<object>()
const RESET_CODES = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']

/**
 * Tries once more if the connection was reset before a response, as happens to idle connections. Only for requests that may
 * be repeated (RFC 9110 §9.2.2), never for a code exchange or a refresh.
 *
 * @param attempt - makes a new request each time
 */
export async function onceMoreAfterReset<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (typeof error === 'object' && error !== null && resets.has(error)) return attempt()
    throw error
  }
}

async function send(request: HttpRequest, options: HttpOptions): Promise<HttpAnswer> {
  checkSecureUrl(request.url, 'URL')
  const { timeoutSeconds = DEFAULT_TIMEOUT_SECONDS } = options
  const limit = new AbortController()
  // A timer of ours, because that of AbortSignal.timeout() does not keep a process alive: a job whose connection got
  // lost would end without a word. It also bounds a fetch that takes no notice of its signal.
  return withTimeLimit(
    () => exchange(request, options.fetch ?? globalThis.fetch, limit.signal),
    timeoutSeconds,
    () => {
      limit.abort()
      return new FhirAuthError(
        'timeout',
        `${shownUrl(request.url)} did not answer within ${timeoutSeconds} s. Check that a firewall lets the request through, or raise timeoutSeconds.`,
      )
    },
  )
}

async function exchange(
  { url, method, headers, body: sent, maxBytes = DEFAULT_MAX_BYTES }: HttpRequest,
  fetchUrl: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  let isAnswered = false
  try {
    // Following a 307 would send credentials to another host (RFC 9700 §4.12).
    const response = await fetchUrl(url, {
      method,
      headers,
      body: sent?.toString() ?? null,
      redirect: 'manual',
      signal,
    })
    checkResponse(response)
    isAnswered = true
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      await discardBody(response)
      throw new FhirAuthError(
        'unexpected_redirect',
        `${shownUrl(url)} answered with a redirect, which is never followed. Configure the final URL instead.`,
      )
    }
    const body = await readBounded(response, maxBytes)
    if (body === undefined) {
      throw new FhirAuthError(
        'response_too_large',
        `${shownUrl(url)} answered with more than ${maxBytes} bytes. Check that it is a SMART server's URL.`,
      )
    }
    return { url, status: response.status, headers: response.headers, body }
  } catch (error) {
    if (error instanceof FhirAuthError) throw error
    // A time limit of the app's own fetch.
    if (error instanceof Error && error.name === 'TimeoutError') {
      throw new FhirAuthError('timeout', `${shownUrl(url)} did not answer in time.`)
    }
    // No cause: it may contain what was received, and some servers echo what they were sent.
    const reason = networkReason(error)
    const failure = new FhirAuthError('network_error', `${shownUrl(url)} could not be reached: ${reason}.`)
    if (!isAnswered && RESET_CODES.includes(reason)) resets.add(failure)
    throw failure
  }
}

/** Undici hides the reason (`ECONNREFUSED`, a TLS code) in the cause of a "fetch failed". */
export function networkReason(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  if (typeof code === 'string') return shownText(code)
  // Not the message, because a fetch implementation may quote a header in it.
  return cause instanceof Error ? cause.name : 'unknown network fault'
}
