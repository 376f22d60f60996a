import { FhirAuthError } from '../errors.ts'

/** Bodies up to this size are read before they are sent, so that they can be sent again after a 401. */
const REPLAYABLE_BYTES = 256 * 1024
/** The largest body that is looked into. */
const MAX_CHECKED_BYTES = 8 * 1024 * 1024

export type ByteStream = AsyncIterable<Uint8Array>

/** What is sent on: bytes, or a stream where there is more. */
export type OutgoingBody = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined

/** The whole body, to look into it. @throws `request_too_large` */
export async function readWhole(body: ByteStream | undefined, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const limit = Math.min(maxBytes, MAX_CHECKED_BYTES)
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body ?? []) {
    size += part.byteLength
    if (size > limit) throw tooLarge(limit)
    parts.push(part)
  }
  return joined(parts)
}

/** The body to send on: bytes if it is small, else a stream that ends with an error beyond `maxBytes`. */
export async function readOutgoing(body: ByteStream | undefined, maxBytes: number): Promise<OutgoingBody> {
  if (body === undefined) return undefined
  const rest = body[Symbol.asyncIterator]()
  const parts: Uint8Array[] = []
  let size = 0
  while (size <= REPLAYABLE_BYTES) {
    const { done, value } = await rest.next()
    if (done) return size === 0 ? undefined : joined(parts)
    size += value.byteLength
    parts.push(value)
    if (size > maxBytes) throw tooLarge(maxBytes)
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const first = parts.shift()
      if (first) return controller.enqueue(first)
      const { done, value } = await rest.next()
      if (done) return controller.close()
      size += value.byteLength
      if (size > maxBytes) return controller.error(tooLarge(maxBytes))
      controller.enqueue(value)
    },
    async cancel() {
      await rest.return?.()
    },
  })
}

/** @throws `request_too_large` if the browser says that the body is too large */
export function checkLength(contentLength: string | undefined, maxBytes: number): void {
  if (Number(contentLength) > maxBytes) throw tooLarge(maxBytes)
}

/** One part of several. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}

function tooLarge(maxBytes: number): FhirAuthError {
  return new FhirAuthError(
    'request_too_large',
    `The request has more than ${maxBytes} bytes. Send less, or raise maxRequestBytes of fhirProxy().`,
  )
}
