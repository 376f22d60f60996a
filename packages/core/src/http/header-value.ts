/** What a header may contain: printable ASCII, spaces and tabs (RFC 9110 §5.5, without its obsolete bytes). */
const HEADER_VALUE = /^[\t\x20-\x7e]*$/

/** Whether a value may become a header. */
export function isHeaderValue(value: string): boolean {
  return HEADER_VALUE.test(value)
}

/**
 * Checks a value before it becomes a header. Runtimes throw for a wrong value later, when the response has begun.
 *
 * @throws TypeError for a line end, another control character, or text beyond ASCII
 */
export function checkHeaderValue(name: string, value: string): void {
  if (!isHeaderValue(value))
    throw new TypeError(`The header ${name} contains characters that are not allowed in a header.`)
}

/**
 * Makes a URL, or a part of one, fit for a header: printable ASCII, everything else percent-encoded (RFC 3986 §2.1). Node
 * throws for a header with other characters.
 */
export function urlHeaderValue(url: string): string {
  return url.replace(/[^\x21-\x7e]+/gu, (text) => encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd')))
}
