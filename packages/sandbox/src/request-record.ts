import type { IncomingMessage } from 'node:http'

/** A request as the sandbox got it, secrets included: this is a test instrument. */
export interface RecordedRequest {
  host: 'fhir' | 'auth'
  method: string
  /** Path and query as received. */
  url: string
  path: string
  query: URLSearchParams
  /** Lower-case names. */
  headers: Record<string, string>
  /** Raw. */
  body: string
  /** The body when it is form-encoded, else empty. */
  form: URLSearchParams
  /** Filled in when the answer is sent; undefined if there was none. */
  status: number | undefined
  /** Epoch milliseconds. */
  time: number
}

export function recordRequest(host: RecordedRequest['host'], message: IncomingMessage, body: string): RecordedRequest {
  const url = message.url ?? '/'
  const [path = '/', ...rest] = url.split('?')
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
  return {
    host,
    method: message.method ?? 'GET',
    url,
    path,
    query: new URLSearchParams(rest.join('?')),
    headers,
    body,
    form: new URLSearchParams(isForm ? body : ''),
    status: undefined,
    time: Date.now(),
  }
}
