/** One element of DER (ITU-T X.690 §8.1). */
export interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
  /** The element with its tag and length. */
  readonly whole: Uint8Array
}

export const INTEGER = 0x02
export const BIT_STRING = 0x03
export const OCTET_STRING = 0x04
export const NULL = 0x05
export const OBJECT_IDENTIFIER = 0x06
export const SEQUENCE = 0x30

/** The elements in DER bytes, in order. Undefined if the bytes are not DER. */
export function readDer(bytes: Uint8Array): DerElement[] | undefined {
  const elements: DerElement[] = []
  let offset = 0
  while (offset < bytes.length) {
    const tag = bytes[offset] ?? 0
    let length = bytes[offset + 1]
    let start = offset + 2
    if (length === undefined) return undefined
    if (length >= 0x80) {
      const count = length - 0x80
      // Four bytes are enough for the length of any key; 0 would be BER's indefinite length.
      if (count < 1 || count > 4 || start + count > bytes.length) return undefined
      length = bytes.subarray(start, start + count).reduce((sum, byte) => sum * 256 + byte, 0)
      start += count
    }
    const end = start + length
    if (end > bytes.length) return undefined
    elements.push({ tag, content: bytes.subarray(start, end), whole: bytes.subarray(offset, end) })
    offset = end
  }
  return elements
}

/** Writes one element with the given content. */
export function writeDer(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const size: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) size.unshift(rest % 256)
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 + size.length, ...size]
  const whole = new Uint8Array(header.length + length)
  whole.set(header)
  let offset = header.length
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
