import { FhirAuthError } from '../errors.ts'
import { accessOf, type FhirContext } from '../fhir/fhir-context.ts'
import { type FhirAccess, fetchFhir } from '../fhir/fhir-fetch.ts'
import { isUnderBase } from '../fhir/fhir-target.ts'
import { urlHeaderValue } from '../http/header-value.ts'
import { discardBody } from '../http/read-bounded.ts'
import { networkReason } from '../http/send-bounded.ts'
import type { StreamedAnswer, StreamedRequest } from '../web/adapter-contract.ts'
import { BundleLinks } from './bundle-links.ts'
import { headersToPage, headersToServer, isJson, isReadable } from './forwarded-headers.ts'
import type { FhirInteraction, Interaction } from './interaction.ts'
import { joined, type OutgoingBody } from './request-body.ts'

/** Answers of a known size up to this one are read whole: in one part they cost a page less time, and the server less work. */
const SMALL_BYTES = 64 * 1024
/** What may answer with a Bundle of the server's making. One that is stored keeps its URLs, for it may be signed. */
const WITH_LINKS: ReadonlySet<Interaction> = new Set(['search', 'history', 'operation', 'batch', 'page'])

interface Exchange {
  readonly interaction: FhirInteraction
  readonly request: StreamedRequest
  readonly context: FhirContext
  /** The URL at the FHIR server. */
  readonly target: string
  readonly body: OutgoingBody
  readonly publicPath: string
  readonly timeoutSeconds: number
}

/**
 * Sends a request to the FHIR server with the session's token, and streams the answer.
 *
 * @throws `timeout`, `network_error`, `session_ended`, and what `fhir.fetch` throws
 */
export async function forward(exchange: Exchange): Promise<StreamedAnswer> {
  const { request, context, publicPath } = exchange
  const patience = new Patience(exchange)
  const response = await send(exchange, patience)
  if (response.status === 401) {
    patience.end()
    await discardBody(response).catch(() => {})
    throw new FhirAuthError(
      'session_ended',
      'The FHIR server refused the token of this session. The person must log in again.',
    )
  }
  const toPage = (url: string) => proxyUrlOf(url, context.fhirBaseUrl, publicPath)
  const isRewritten =
    WITH_LINKS.has(exchange.interaction.interaction) && isJson(response.headers) && isReadable(response.headers)
  const headers = headersToPage(response.headers, isRewritten)
  for (const name of ['location', 'content-location']) {
    const value = locationOf(response.headers.get(name), toPage)
    if (value !== undefined) headers[name] = value
  }
  const { status } = response
  const hasBody = request.method !== 'HEAD' && response.body !== null && ![204, 205, 304].includes(status)
  if (!hasBody) {
    patience.end()
    await discardBody(response).catch(() => {})
    return { kind: 'stream', status, headers, cookies: [], body: undefined }
  }
  const links = isRewritten ? new BundleLinks(toPage) : undefined
  if (isSmall(response.headers)) {
    const bytes = await patience.run(async () => new Uint8Array(await response.arrayBuffer()))
    patience.end()
    const body = links ? joined([...links.push(bytes), ...links.end()]) : bytes
    headers['content-length'] = String(body.byteLength)
    return { kind: 'stream', status, headers, cookies: [], body }
  }
  return { kind: 'stream', status, headers, cookies: [], body: streamOf(response, links, patience) }
}

function isSmall(headers: Headers): boolean {
  const length = headers.get('content-length')
  return length !== null && Number(length) <= SMALL_BYTES && !headers.has('content-encoding')
}

function send({ request, context, target, body }: Exchange, patience: Patience): Promise<Response> {
  const init: RequestInit = {
    method: request.method,
    headers: headersToServer(request),
    // A redirect is the page's to follow, without the token.
    redirect: 'manual',
    signal: patience.signal,
  }
  const access = accessOf(context)
  const { send: sendOnce } = access // not called as a method: workers refuse a fetch with another `this`
  // Each request has its own time: a new token after a 401 may take longer.
  const timed: FhirAccess = { ...access, send: (url, sent) => patience.run(() => sendOnce(url, sent)) }
  if (!(body instanceof ReadableStream)) return fetchFhir(timed, target, body === undefined ? init : { ...init, body })
  // Node's fetch keeps a copy of the whole stream in memory, for a redirect or a login of its own, unless it may do neither.
  const once = refusesRedirects() ? ({ redirect: 'error', window: null } as const) : undefined
  return fetchFhir(timed, target, { ...init, ...once, body: patience.paced(body), duplex: 'half' } as RequestInit)
}

let knowsRedirectError: boolean | undefined

/** Whether this runtime has the mode. Workers do not. */
function refusesRedirects(): boolean {
  if (knowsRedirectError === undefined) {
    try {
      knowsRedirectError = new Request('https://fhir.invalid', { redirect: 'error' }).redirect === 'error'
    } catch {
      knowsRedirectError = false
    }
  }
  return knowsRedirectError
}

/** The path through the proxy, for a URL below the FHIR base. */
export function proxyUrlOf(url: string, fhirBaseUrl: string, publicPath: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const target = new URL(url)
  if (!isUnderBase(target, fhirBaseUrl)) return undefined
  const { pathname } = new URL(fhirBaseUrl)
  const folder = pathname.endsWith('/') ? pathname : `${pathname}/`
  const rest = target.pathname.slice(folder.length)
  return `${publicPath}${rest === '' ? '' : `/${rest}`}${target.search}${target.hash}`
}

function locationOf(value: string | null, toPage: (url: string) => string | undefined): string | undefined {
  if (value === null) return undefined
  const through = toPage(value)
  if (through !== undefined) return urlHeaderValue(through)
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
    ? urlHeaderValue(new URL(value).href)
    : undefined
}

/** Ends the exchange when the FHIR server is silent for too long, or when the browser goes away. */
class Patience {
  readonly #controller = new AbortController()
  readonly #milliseconds: number
  readonly #browser: AbortSignal
  readonly #leave = () => this.#controller.abort()
  #timer: ReturnType<typeof setTimeout> | undefined
  #isOverdue = false
  #isWaiting = false

  constructor({ request, timeoutSeconds }: Exchange) {
    this.#milliseconds = timeoutSeconds * 1000
    this.#browser = request.signal
    if (this.#browser.aborted) this.#leave()
    else this.#browser.addEventListener('abort', this.#leave, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Waits for the server: the clock only runs meanwhile, not while the browser is slow. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#isWaiting = true
    this.#startClock()
    try {
      return await work()
    } catch (error) {
      this.end()
      throw this.#failure(error)
    } finally {
      this.#isWaiting = false
      clearTimeout(this.#timer)
    }
  }

  /** A body on its way to the server: the clock stands while the browser is waited for, and begins anew with each part. */
  paced(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader()
    return new ReadableStream({
      pull: async (controller) => {
        clearTimeout(this.#timer)
        const { done, value } = await reader.read()
        if (this.#isWaiting) this.#startClock()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    })
  }

  #startClock(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#isOverdue = true
      this.#controller.abort()
    }, this.#milliseconds)
  }

  end(): void {
    this.#browser.removeEventListener('abort', this.#leave)
  }

  #failure(error: unknown): unknown {
    if (this.#isOverdue) {
      return new FhirAuthError('timeout', `The FHIR server did not answer within ${this.#milliseconds / 1000} s.`)
    }
    if (error instanceof FhirAuthError) return error
    // No cause: it may contain what was received.
    return new FhirAuthError('network_error', `The FHIR server could not be reached: ${networkReason(error)}.`)
  }
}

/** Reads a part only when the browser has taken the one before. */
function streamOf(response: Response, links: BundleLinks | undefined, patience: Patience): AsyncIterable<Uint8Array> {
  return {
    async *[Symbol.asyncIterator]() {
      const reader = (response.body as ReadableStream<Uint8Array>).getReader()
      try {
        for (;;) {
          const { done, value } = await patience.run(() => reader.read())
          if (done) break
          const part = links ? joined(links.push(value)) : value
          if (part.byteLength > 0) yield part
        }
        const rest = joined(links?.end() ?? [])
        if (rest.byteLength > 0) yield rest
      } finally {
        patience.end()
        await reader.cancel().catch(() => {})
      }
    },
  }
}
