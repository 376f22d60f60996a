/** One request as sent, and its response. */
export interface Exchange {
  readonly request: { method: string; url: string; headers: Record<string, string>; body: string }
  answer?: { status: number; headers: Headers; body: string }
  /** The system's code for the network fault, e.g. `ECONNREFUSED`. */
  fault?: string
}

/** The same limit as the library has for a token response, so that everything it can use can be shown. */
const MAX_RECORDED_CHARACTERS = 1024 * 1024

/** A `fetch` that records requests and responses, without changing them. */
export function recordingFetch(send: typeof fetch = fetch): { fetch: typeof fetch; exchanges: Exchange[] } {
  const exchanges: Exchange[] = []
  const recording: typeof fetch = async (input, init) => {
    const exchange: Exchange = {
      request: {
        method: init?.method ?? 'GET',
        url: String(input),
        headers: Object.fromEntries(new Headers(init?.headers)),
        body: typeof init?.body === 'string' ? init.body : '',
      },
    }
    exchanges.push(exchange)
    const response = await send(input, init).catch((error: unknown) => {
      exchange.fault = systemCode(error)
      throw error
    })
    const answer = { status: response.status, headers: response.headers, body: '' }
    exchange.answer = answer
    if (response.body === null) return response
    const decoder = new TextDecoder()
    const tap = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        if (answer.body.length < MAX_RECORDED_CHARACTERS) answer.body += decoder.decode(chunk, { stream: true })
        controller.enqueue(chunk)
      },
    })
    const { status, statusText, headers } = response
    return new Response(response.body.pipeThrough(tap), { status, statusText, headers })
  }
  return { fetch: recording, exchanges }
}

/** `fetch` hides the system's reason in the cause of its error. */
function systemCode(error: unknown): string {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('code' in current && typeof current.code === 'string') return current.code
  }
  return ''
}
