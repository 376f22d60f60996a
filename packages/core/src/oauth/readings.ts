/** How many nested encodings are decoded. URL-encoded Basic credentials, for example, are nested. */
const DEPTH = 3
/** The most readings of one text, so that a hostile text does not cost much time. */
const MAX_READINGS = 200

/**
 * All readings of a text in the usual encodings: raw, URL-, form-, JSON- and HTML-escaped, hex, base64 and base64url, also
 * nested.
 *
 * @param shortest - shorter readings are left out
 */
export function readingsOf(text: string, shortest: number): Set<string> {
  const found = new Set([text])
  let newest = [text]
  for (let depth = 0; depth < DEPTH; depth++) {
    const next: string[] = []
    for (const reading of newest.flatMap(decoded)) {
      if (reading.length < shortest || found.has(reading) || found.size >= MAX_READINGS) continue
      found.add(reading)
      next.push(reading)
    }
    newest = next
  }
  return found
}

function decoded(text: string): string[] {
  return [
    urlDecoded(text),
    urlDecoded(text.replaceAll('+', ' ')),
    text.replace(/\\u([\da-f]{4})|\\(["\\/bfnrt])/gi, (_, code, char) => jsonChar(code, char)),
    text.replace(/&(?:#x([\da-f]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));?/gi, htmlChar),
    // The encoded part may begin anywhere in a longer run of such characters, so each offset is tried.
    ...[0, 1].map((start) => hexDecoded(text, start)),
    ...[0, 1, 2, 3].map((start) => base64Decoded(text, start)),
  ]
}

const utf8 = new TextDecoder()

function urlDecoded(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (bytes) => hexText(bytes.replaceAll('%', '')))
}

const JSON_CHARS: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

function jsonChar(code: string | undefined, char = ''): string {
  return code === undefined ? (JSON_CHARS[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16))
}

const HTML_CHARS: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function htmlChar(entity: string, hex: string | undefined, decimal: string | undefined, name = ''): string {
  const code = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16)
  if (Number.isNaN(code)) return HTML_CHARS[name.toLowerCase()] ?? entity
  return code <= 0x10ffff ? String.fromCodePoint(code) : entity
}

function hexDecoded(text: string, start: number): string {
  return (text.match(/[\da-f]{16,}/gi) ?? []).map((digits) => hexText(digits.slice(start))).join('\n')
}

function hexText(digits: string): string {
  const bytes = digits.match(/../g) ?? []
  return utf8.decode(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)))
}

function base64Decoded(text: string, start: number): string {
  // MIME breaks base64 into lines (RFC 2045 §6.8).
  const segments = text.replace(/[\r\n]+/g, '').match(/[\w+/-]{11,}/g) ?? []
  return segments.map((segment) => base64Text(segment.slice(start))).join('\n')
}

function base64Text(segment: string): string {
  const whole = segment.length % 4 === 1 ? segment.slice(0, -1) : segment
  const bytes = atob(whole.replaceAll('-', '+').replaceAll('_', '/'))
  return utf8.decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)))
}
