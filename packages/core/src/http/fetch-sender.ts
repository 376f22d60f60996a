import { partsOf, streamOf } from './byte-streams.ts'
import { checkResponse, discardBody } from './read-bounded.ts'
import type { Sender, ServerAnswer } from './sender.ts'

/** Codings that `fetch` decodes. Its response still has the header, and the length before. */
const DECODED = /^(?:gzip|x-gzip|deflate|br|zstd)$/i

/** Sends with `fetch`, on every runtime. */
export function createFetchSender(send: typeof globalThis.fetch): Sender {
  return {
    decodes: true,
    async send({ method, url, headers, body, cancellation }) {
      const controller = new AbortController()
      cancellation.onCancel(() => controller.abort())
      const init: RequestInit = { method, headers, redirect: 'manual', signal: controller.signal }
      if (body instanceof Uint8Array) init.body = body
      else if (body !== undefined) Object.assign(init, streamed(body))
      return new FetchAnswer(await send(url.href, init))
    },
  }
}

class FetchAnswer implements ServerAnswer {
  readonly status: number
  readonly isDecoded: boolean
  readonly #response: Response

  constructor(response: Response) {
    checkResponse(response)
    this.status = response.status
    this.#response = response
    this.isDecoded = DECODED.test(this.header('content-encoding') ?? '')
  }

  header(name: string): string | undefined {
    return this.#response.headers.get(name) ?? undefined
  }

  whole(maxBytes: number): Promise<Uint8Array<ArrayBuffer>> | undefined {
    const length = this.header('content-length')
    if (this.isDecoded || length === undefined || Number(length) > maxBytes) return undefined
    return this.#response.arrayBuffer().then((bytes) => new Uint8Array(bytes))
  }

  parts(): AsyncIterable<Uint8Array> {
    return partsOf(this.#response.body ?? new Blob([]).stream())
  }

  discard(): void {
    discardBody(this.#response).catch(() => {})
  }
}

/** Node's fetch keeps a copy of a whole stream in memory, for a redirect or a login of its own, unless it may do neither. */
function streamed(body: AsyncIterable<Uint8Array>): object {
  const once = refusesRedirects() ? { redirect: 'error', window: null } : {}
  return { ...once, body: streamOf(body), duplex: 'half' }
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
