import { FhirAuthError } from '../errors.ts'
import { joined } from '../http/byte-streams.ts'

/** Bodies up to this size are read before they are sent, so that they can be sent again after a 401. */
const REPLAYABLE_BYTES = 256 * 1024
/** The largest body that is looked into. */
const MAX_CHECKED_BYTES = 8 * 1024 * 1024

export type ByteStream = AsyncIterable<Uint8Array>

/** What is sent on: bytes, or a stream where there is more. */
export type OutgoingBody = Uint8Array<ArrayBuffer> | ByteStream | undefined

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
  return allOf(parts, rest, maxBytes)
}

/** The parts that have been read, and the rest as it comes. @throws `request_too_large` */
async function* allOf(
  parts: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let size = 0
  try {
    for (const part of parts) {
      size += part.byteLength
      yield part
    }
    for (let part = await rest.next(); !part.done; part = await rest.next()) {
      size += part.value.byteLength
      if (size > maxBytes) throw tooLarge(maxBytes)
      yield part.value
    }
  } finally {
    await rest.return?.()
  }
}

/** @throws `request_too_large` if the browser says that the body is too large */
export function checkLength(contentLength: string | undefined, maxBytes: number): void {
  if (Number(contentLength) > maxBytes) throw tooLarge(maxBytes)
}

function tooLarge(maxBytes: number): FhirAuthError {
  return new FhirAuthError(
    'request_too_large',
    `The request has more than ${maxBytes} bytes. Send less, or raise maxRequestBytes of fhirProxy().`,
  )
}
