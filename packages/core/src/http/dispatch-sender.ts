import type { Cancellation } from '../shared/cancellation.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { joined } from './byte-streams.ts'
import type { Sender, SentRequest, ServerAnswer } from './sender.ts'

/** What Node's `fetch` sends with: a dispatcher of undici, its API of version 1. */
interface Dispatcher {
  dispatch(options: DispatchOptions, handler: DispatchHandler): boolean
}

interface DispatchOptions {
  readonly origin: string
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: SentRequest['body'] | null
  /** In milliseconds; 0 is none, for the limits are those of the caller. */
  readonly headersTimeout: 0
  readonly bodyTimeout: 0
}

/** Bytes as Node has them. */
interface Latin1 {
  toString(encoding: 'latin1'): string
}

interface DispatchHandler {
  onConnect(abort: (reason?: Error) => void): void
  /** @param headers - names and values in turn */
  onHeaders(status: number, headers: readonly Latin1[], resume: () => void): boolean
  /** Returns false to get no more for now. */
  onData(part: Uint8Array): boolean
  onComplete(): void
  onError(error: Error): void
}

/** The fetch of the runtime, unless somebody had put another one in its place before this module was loaded. */
const RUNTIME_FETCH = globalThis.fetch
/** Where undici keeps it: that of Node, or the one that the app has set, with a proxy or certificates of its own. */
const DISPATCHER = Symbol.for('undici.globalDispatcher.1')

/**
 * Sends with what stands behind Node's `fetch`, without the web streams and header objects on top, which take most of the time of
 * a small read. Connections, certificates and proxies are those of `fetch`.
 *
 * @param send - how the app sends
 * @returns undefined for a fetch of the app's own, and on other runtimes
 */
export function createDispatchSender(send: typeof globalThis.fetch): Sender | undefined {
  if (send !== RUNTIME_FETCH || !isNode()) return undefined
  // Node makes it with the first fetch.
  const dispatcher = (globalThis as { [DISPATCHER]?: Dispatcher })[DISPATCHER]
  return dispatcher && { decodes: false, send: (request) => dispatch(dispatcher, request) }
}

function dispatch(dispatcher: Dispatcher, request: SentRequest): Promise<ServerAnswer> {
  const { method, url, headers, body = null, cancellation } = request
  return new Promise((resolve, reject) => {
    const { origin, pathname, search } = url
    dispatcher.dispatch(
      { origin, path: pathname + search, method, headers, body, headersTimeout: 0, bodyTimeout: 0 },
      new DispatchedAnswer(cancellation, resolve, reject),
    )
  })
}

/** Other runtimes have a `process` too, but not this member. */
function isNode(): boolean {
  const { process } = globalThis as { process?: { versions?: { undici?: string } } }
  return process?.versions?.undici !== undefined
}

/** How many parts wait for a slow reader before the connection does. */
const MOST_WAITING = 2

/** An answer as it arrives. */
class DispatchedAnswer implements ServerAnswer, DispatchHandler {
  status = 0
  readonly isDecoded = false
  readonly #cancellation: Cancellation
  readonly #begun: (answer: ServerAnswer) => void
  readonly #failed: (error: Error) => void
  readonly #headers = new Map<string, string>()
  readonly #waiting: Uint8Array[] = []
  #isOver = false
  #failure: Error | undefined
  #abort: (() => void) | undefined
  #resume = () => {}
  #wake = () => {}

  /** @param begun - is told when the headers are here, unless `failed` is told before */
  constructor(cancellation: Cancellation, begun: (answer: ServerAnswer) => void, failed: (error: Error) => void) {
    this.#cancellation = cancellation
    this.#begun = begun
    this.#failed = failed
    cancellation.onCancel(() => this.#leave())
  }

  onConnect(abort: () => void): void {
    this.#abort = abort
    if (this.#cancellation.isCancelled) abort()
  }

  onHeaders(status: number, headers: readonly Latin1[], resume: () => void): boolean {
    if (status < 200) return true // RFC 9110 §15.2: the answer is still to come
    this.status = status
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const name = String(headers[at]?.toString('latin1')).toLowerCase()
      const value = String(headers[at + 1]?.toString('latin1'))
      const before = this.#headers.get(name)
      this.#headers.set(name, before === undefined ? value : `${before}, ${value}`)
    }
    this.#resume = resume
    this.#begun(this)
    return true
  }

  onData(part: Uint8Array): boolean {
    this.#waiting.push(part)
    this.#wake()
    return this.#waiting.length < MOST_WAITING
  }

  onComplete(): void {
    this.#isOver = true
    this.#wake()
  }

  onError(error: Error): void {
    this.#failure ??= error
    this.#isOver = true
    this.#failed(error)
    this.#wake()
  }

  header(name: string): string | undefined {
    return this.#headers.get(name)
  }

  whole(maxBytes: number): MaybePromise<Uint8Array<ArrayBuffer>> | undefined {
    if (this.#isOver && this.#failure === undefined) return joined(this.#waiting)
    const isShort = Number(this.header('content-length') ?? Number.NaN) <= maxBytes
    return isShort ? this.#rest() : undefined
  }

  async #rest(): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = []
    for await (const part of this.parts()) parts.push(part)
    return joined(parts)
  }

  async *parts(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const part = this.#waiting.shift()
        if (part) {
          yield part
        } else if (this.#isOver) {
          if (this.#failure) throw this.#failure
          return
        } else {
          const more = new Promise<void>((resolve) => {
            this.#wake = resolve
          })
          this.#resume()
          await more
        }
      }
    } finally {
      this.discard()
    }
  }

  discard(): void {
    if (!this.#isOver) this.#abort?.()
  }

  /** At once, even where there is no connection yet. */
  #leave(): void {
    if (this.#isOver) return
    this.onError(new DOMException('The request was aborted.', 'AbortError'))
    this.#abort?.()
  }
}
