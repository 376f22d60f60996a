/**
 * A URL, or a part of one, as a header carries it: printable ASCII alone, everything else percent-encoded (RFC 3986 §2.1).
 * Node and browsers refuse a header with line ends or other text, by an exception where nobody expects one.
 */
export function urlHeaderValue(url: string): string {
  return url.replace(/[^\x21-\x7e]+/gu, (text) => encodeURIComponent(text.replace(/\p{Cs}/gu, '\ufffd')))
}
