import { FhirAuthError } from '../errors.ts'

/** The body of a response. An app's own `fetch` may give a Node stream, as node-fetch does. */
type AnyBody = Partial<Pick<ReadableStream<Uint8Array>, 'getReader' | 'cancel'>> &
  Partial<AsyncIterable<Uint8Array | string>> & { destroy?: () => void }

/** The body as text. Undefined if it is longer than `maxBytes`; then the rest is not read. */
export async function readBounded(response: Response, maxBytes: number): Promise<string | undefined> {
  const body = response.body as AnyBody | null | undefined // a fetch of the app's own may give another one
  if (body === null || body === undefined) return textWithoutStream(response, maxBytes)
  const decoder = new TextDecoder()
  let size = 0
  let text = ''
  for await (const chunk of chunksOf(body)) {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk
    size += bytes.byteLength
    // Leaving the loop ends the stream.
    if (size > maxBytes) return undefined
    text += decoder.decode(bytes, { stream: true })
  }
  return text + decoder.decode()
}

/** Lets go of a body that nobody reads. */
export async function discardBody(response: Response): Promise<void> {
  const body = response.body as AnyBody | null | undefined // as above
  if (typeof body?.cancel === 'function') await body.cancel()
  else body?.destroy?.()
}

/** @throws `invalid_option` for what is no answer of a `fetch` */
export function checkResponse(response: Response | undefined): asserts response is Response {
  if (typeof response?.status === 'number' && typeof response.headers?.get === 'function') return
  throw new FhirAuthError(
    'invalid_option',
    'The fetch option did not give a Response with status and headers. Return what fetch of your runtime, or of the package undici, returns.',
  )
}

async function* chunksOf(body: AnyBody): AsyncGenerator<Uint8Array | string> {
  // Not every runtime lets a web stream be iterated.
  if (typeof body.getReader === 'function') {
    const reader = body.getReader()
    try {
      for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
    } finally {
      await reader.cancel()
    }
    return
  }
  if (typeof body[Symbol.asyncIterator] !== 'function') {
    throw new FhirAuthError(
      'invalid_option',
      'The fetch option gives a Response whose body is no stream. Use fetch of your runtime, or of the package undici.',
    )
  }
  yield* body as AsyncIterable<Uint8Array | string>
}

async function textWithoutStream(response: Response, maxBytes: number): Promise<string | undefined> {
  const text = typeof response.text === 'function' ? await response.text() : ''
  return new TextEncoder().encode(text).byteLength > maxBytes ? undefined : text
}
