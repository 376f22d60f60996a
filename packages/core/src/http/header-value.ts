/** What a header may carry: printable ASCII, blanks and tabs (RFC 9110 §5.5, without its obsolete bytes). */
const HEADER_VALUE = /^[\t\x20-\x7e]*$/

/**
 * Checks a value before it becomes a header. Runtimes throw at a wrong one, when it is too late to answer otherwise.
 *
 * @throws TypeError for a line end, another control character, or text beyond ASCII
 */
export function checkHeaderValue(name: string, value: string): void {
  if (!HEADER_VALUE.test(value)) throw new TypeError(`The header ${name} has characters that no header may have.`)
}

/**
 * A URL, or a part of one, as a header carries it: printable ASCII alone, everything else percent-encoded (RFC 3986 §2.1).
 * Node and browsers refuse a header with line ends or other text, by an exception where nobody expects one.
 */
export function urlHeaderValue(url: string): string {
  return url.replace(/[^\x21-\x7e]+/gu, (text) => encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd')))
}
