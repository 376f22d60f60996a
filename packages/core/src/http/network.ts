/** The network that a host belongs to, judged by its name or address. Names are not resolved. */
export type Network = 'public' | 'private' | 'loopback'

const V4 = /^\d+(?:\.\d+){3}$/
const PRIVATE_V4 = /^(?:10|0|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./
const PRIVATE_V6 = /^\[(?:f[cd]|fe[89ab]|::\])/
/** Names that are never public (RFC 6762, RFC 8375, ICANN for `internal`). */
const PRIVATE_NAME = /\.(?:local|internal|home\.arpa)\.?$/

/**
 * Recognises RFC 1918, RFC 4193, RFC 6598, link-local and loopback addresses, and names of this machine.
 *
 * @param hostname - from a `URL`, which writes each address in one canonical form
 */
export function networkOf(hostname: string): Network {
  const mapped = /^\[::ffff:([\da-f]+):([\da-f]+)\]$/.exec(hostname)
  const address = mapped ? v4Of(mapped[1] ?? '', mapped[2] ?? '') : hostname
  if (isLoopback(address)) return 'loopback'
  return (V4.test(address) && PRIVATE_V4.test(address)) || PRIVATE_V6.test(address) || PRIVATE_NAME.test(address)
    ? 'private'
    : 'public'
}

function isLoopback(hostname: string): boolean {
  return /^(?:localhost\.?|.*\.localhost\.?|\[::1\]|127(?:\.\d{1,3}){3})$/.test(hostname)
}

function v4Of(high: string, low: string): string {
  const bytes = [high, low].flatMap((part) => {
    const number = Number.parseInt(part, 16)
    return [number >> 8, number & 255]
  })
  return bytes.join('.')
}
