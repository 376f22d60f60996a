import { FhirAuthError } from '../errors.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'

/** A page's script sets it. A form cannot, and another site's script would need our leave first (Fetch §3.2.2). */
const OWN_REQUEST_HEADER = 'fhir-auth-request'

const ALLOWED_HEADERS =
  'accept, content-type, fhir-auth-request, fhir-launch-id, if-match, if-modified-since, if-none-exist, if-none-match, prefer, range'
const EXPOSED_HEADERS = 'content-location, content-range, etag, last-modified, location, retry-after, x-progress'
const PREFLIGHT_SECONDS = 600

/**
 * Refuses requests of other sites: the cookie alone must not read or change anything (RFC 9700 §4.7, "OAuth 2.0 for
 * Browser-Based Applications" §6.1.3.3).
 *
 * @param origins - other origins that the app trusts
 * @throws `cross_origin_request`
 */
export function checkSite(request: AdapterRequest, origins: readonly string[]): void {
  if (allowedOrigin(request, origins) !== undefined) return
  const site = request.header('sec-fetch-site')
  if (site === 'same-origin') return
  const reads = request.method === 'GET' || request.method === 'HEAD'
  // `none`: the person has typed the address.
  const mayRead = reads && (site === undefined || site === 'none')
  // Not from another site's script: without CORS, its preflight has failed.
  const isOwnScript = request.header(OWN_REQUEST_HEADER) !== undefined && site !== 'cross-site' && site !== 'same-site'
  if (mayRead || isOwnScript) return
  throw new FhirAuthError(
    'cross_origin_request',
    `This request does not come from a page of the app. Send the header ${OWN_REQUEST_HEADER}: 1 from a page of the app, or add the page's origin to origins of fhirProxy().`,
  )
}

/** The headers that let pages of a named origin read the answer (Fetch §3.2). */
export function corsHeaders(request: AdapterRequest, origins: readonly string[]): Record<string, string> {
  if (origins.length === 0) return {}
  const origin = allowedOrigin(request, origins)
  if (origin === undefined) return { vary: 'origin' }
  return {
    vary: 'origin',
    'access-control-allow-origin': origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': EXPOSED_HEADERS,
  }
}

/** The headers of the answer to a preflight; undefined if this origin may ask nothing. */
export function preflightHeaders(
  request: AdapterRequest,
  origins: readonly string[],
): Record<string, string> | undefined {
  if (allowedOrigin(request, origins) === undefined) return undefined
  return {
    ...corsHeaders(request, origins),
    'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  }
}

function allowedOrigin(request: AdapterRequest, origins: readonly string[]): string | undefined {
  const origin = request.header('origin')
  return origin !== undefined && origins.includes(origin) ? origin : undefined
}
