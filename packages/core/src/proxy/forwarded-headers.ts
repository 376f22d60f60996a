import { checkHeaderValue } from '../http/header-value.ts'
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

/** Codings that `fetch` decodes. Its response still has the header, and the length before. */
const DECODED = /^(?:gzip|x-gzip|deflate|br|zstd)$/i

const FHIR_JSON = 'application/fhir+json'

/** The answer is one person's data, and comes from another server: no cache may store it, and no browser may run it. */
const ALWAYS = {
  'cache-control': 'private, no-store',
  'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

export function headersToServer(request: AdapterRequest): Headers {
  const headers = new Headers()
  for (const name of TO_SERVER) {
    const value = request.header(name)
    if (value !== undefined && isHeaderValue(value)) headers.set(name, value)
  }
  // A browser that opens the address itself would rather have HTML.
  if (headers.get('accept')?.includes('text/html')) headers.set('accept', FHIR_JSON)
  return headers
}

/** @param isRewritten - whether the body will have another length */
export function headersToPage(given: Headers, isRewritten: boolean): Record<string, string> {
  const headers: Record<string, string> = { ...ALWAYS }
  const coding = given.get('content-encoding')
  const isDecoded = coding !== null && DECODED.test(coding)
  if (coding !== null && !isDecoded && isHeaderValue(coding)) headers['content-encoding'] = coding
  for (const name of TO_PAGE) {
    const value = given.get(name)
    if (value === null || !isHeaderValue(value)) continue
    if (name === 'content-length' && (isDecoded || isRewritten || !/^\d+$/.test(value))) continue
    headers[name] = value
  }
  return headers
}

/** Whether a body is as the server wrote it, and not in a coding that nobody here has decoded. */
export function isReadable(given: Headers): boolean {
  const coding = given.get('content-encoding')
  return coding === null || coding === 'identity' || DECODED.test(coding)
}

export function isJson(given: Headers): boolean {
  return /^application\/(?:fhir\+json|json|json\+fhir)\b/i.test(given.get('content-type') ?? '')
}

function isHeaderValue(value: string): boolean {
  try {
    checkHeaderValue('', value)
    return true
  } catch {
    return false
  }
}
