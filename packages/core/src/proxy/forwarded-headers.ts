import { isHeaderValue } from '../http/header-value.ts'
import type { ServerAnswer } from '../http/sender.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'

/** Only these go to the FHIR server. So no cookie does, no authorization of the page, and nothing about a connection. */
const TO_SERVER = [
  'accept',
  'accept-language',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-exist',
  'if-none-match',
  'prefer',
  'range',
] as const

/** Only these come back. So no `Set-Cookie` does, and no policy of another server. */
const TO_PAGE = [
  'accept-ranges',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'retry-after',
  'x-progress',
] as const

/** Some firewalls refuse requests without one. */
const USER_AGENT = 'fhir-auth'

const FHIR_JSON = 'application/fhir+json'

/** The answer is one person's data, and comes from another server: no cache may store it, and no browser may run it. */
const ALWAYS = Object.entries({
  'cache-control': 'private, no-store',
  'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
})

export function headersToServer(request: AdapterRequest): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': USER_AGENT }
  for (const name of TO_SERVER) {
    const value = request.header(name)
    if (value !== undefined && isHeaderValue(value)) headers[name] = value
  }
  // A browser that opens the address itself would rather have HTML.
  const { accept = 'text/html' } = headers
  if (accept.includes('text/html')) Object.assign(headers, { accept: FHIR_JSON })
  return headers
}

/** The codings that the page can read, as it says. */
export function acceptedCodings(request: AdapterRequest): string {
  const value = request.header('accept-encoding')
  return value !== undefined && isHeaderValue(value) ? value : 'identity'
}

export function acceptsGzip(request: AdapterRequest): boolean {
  return /\bgzip\b/i.test(acceptedCodings(request))
}

/** The body of an answer as the page gets it. */
interface PageBody {
  /** The coding that it still has. */
  readonly coding: string | undefined
  /** Whether it has the length that the server says. */
  readonly hasItsLength: boolean
}

export function headersToPage(answer: ServerAnswer, { coding, hasItsLength }: PageBody): Record<string, string> {
  // Filled from empty: V8 takes microseconds to add a member to a copy of an object.
  const headers: Record<string, string> = {}
  for (const [name, value] of ALWAYS) headers[name] = value
  if (coding !== undefined && isHeaderValue(coding)) headers['content-encoding'] = coding
  for (const name of TO_PAGE) {
    const value = answer.header(name)
    if (value === undefined || !isHeaderValue(value)) continue
    if (name === 'content-length' && (!hasItsLength || !/^\d+$/.test(value))) continue
    headers[name] = value
  }
  return headers
}

/** The coding that the body of an answer still has. */
export function codingOf(answer: ServerAnswer): string | undefined {
  const coding = answer.isDecoded ? undefined : answer.header('content-encoding')?.toLowerCase()
  return coding === 'identity' ? undefined : coding
}

export function isJson(answer: ServerAnswer): boolean {
  return /^application\/(?:fhir\+json|json|json\+fhir)\b/i.test(answer.header('content-type') ?? '')
}
