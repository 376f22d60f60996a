/** The longest wait that a server can ask for, in seconds. A wrong header must not block people for longer. */
export const MAX_WAIT_SECONDS = 3600

/** `Retry-After` in seconds (RFC 9110 §10.2.3), at most an hour; or undefined. */
export function retryAfterSeconds(headers: Headers, now: number): number | undefined {
  const value = headers.get('retry-after')
  if (!value) return undefined
  if (/^\d+$/.test(value)) return Math.min(Number(value), MAX_WAIT_SECONDS)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, Math.ceil((date - now) / 1000)), MAX_WAIT_SECONDS)
}

/** `max-age` of a `Cache-Control` header in seconds; 0 for `no-store` and `no-cache`; undefined when it says nothing. */
export function maxAgeSeconds(headers: Headers): number | undefined {
  const value = headers.get('cache-control')
  if (!value) return undefined
  if (/\bno-(?:store|cache)\b/i.test(value)) return 0
  const match = /\bmax-age\s*=\s*"?(\d{1,9})/i.exec(value)
  return match ? Number(match[1]) : undefined
}
