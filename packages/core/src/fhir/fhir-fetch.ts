import { FhirAuthError } from '../errors.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { shownText } from '../shared/shown-text.ts'

/** Where `fetch` gets its token: a session, or a backend's cache. */
export interface TokenSource {
  /** The newest valid access token. */
  current(): MaybePromise<string>
  /** A token newer than the one the FHIR server refused, or undefined when there is none to be had. */
  replace(refused: string): Promise<string | undefined>
}

/** How `fetch` reaches the FHIR server. */
export type FetchFunction = typeof globalThis.fetch

const MAX_REDIRECTS = 5

/** Where requests go, with which token, and by what. */
export interface FhirAccess {
  readonly fhirBaseUrl: string
  readonly tokens: TokenSource
  readonly send: FetchFunction
}

/** See `FhirContext.fetch`. */
export async function fetchFhir(access: FhirAccess, url: string | URL, init: RequestInit = {}): Promise<Response> {
  const { tokens } = access
  const target = resolveFhirUrl(url, access.fhirBaseUrl)
  const token = await tokens.current()
  const { response, hasLeft } = await sendFhir(access, target, init, token)
  // Another server's 401, at the end of a redirect, says nothing of the token, which it never saw.
  if (response.status !== 401 || hasLeft || !isReplayable(init.body)) return response
  const renewed = await tokens.replace(token)
  if (renewed === undefined) return response
  await response.body?.cancel()
  return (await sendFhir(access, target, init, renewed)).response
}

/** @returns the answer, and whether a redirect left the FHIR base on the way to it */
async function sendFhir(
  { fhirBaseUrl, send }: FhirAccess,
  target: URL,
  init: RequestInit,
  token: string,
): Promise<{ response: Response; hasLeft: boolean }> {
  const headers = new Headers(init.headers)
  if (!headers.has('accept')) headers.set('accept', 'application/fhir+json')
  headers.set('authorization', `Bearer ${token}`)
  const { redirect = 'follow' } = init
  let response = await send(target.href, { ...init, headers, redirect: redirect === 'error' ? 'error' : 'manual' })
  const method = (init.method ?? 'GET').toUpperCase()
  const follows = redirect === 'follow' && (method === 'GET' || method === 'HEAD')
  let from = target
  let hasLeft = false
  for (let hop = 0; follows && hop < MAX_REDIRECTS; hop++) {
    const location = isRedirect(response.status) ? response.headers.get('location') : null
    if (!location || !URL.canParse(location, from.href)) break
    from = new URL(location, from.href)
    await response.body?.cancel()
    // The token, and whatever else the caller put in the headers, stays with the FHIR server: once the way has left it,
    // no later hop gets them back.
    hasLeft ||= !isUnderBase(from, fhirBaseUrl)
    const onward = hasLeft ? new Headers({ accept: headers.get('accept') ?? '*/*' }) : headers
    response = await send(from.href, { ...init, headers: onward, redirect: 'manual' })
  }
  return { response, hasLeft }
}

function resolveFhirUrl(url: string | URL, fhirBaseUrl: string): URL {
  const directory = fhirBaseUrl.endsWith('/') ? fhirBaseUrl : `${fhirBaseUrl}/`
  const text = String(url)
  const target = URL.canParse(text, directory) ? new URL(text, directory) : undefined
  if (target && isUnderBase(target, fhirBaseUrl)) return target
  throw new FhirAuthError(
    'url_outside_fhir_base',
    `fhir.fetch only sends the token to URLs under ${fhirBaseUrl}, not to ${shownText(target ? target.origin + target.pathname : text)}. Write a path relative to it, such as "Patient/123", or use the global fetch without the token.`,
  )
}

/** Below the base as a folder: `/fhir-evil` is not under `/fhir`. The URL parser has resolved dot segments before. */
export function isUnderBase(url: URL, fhirBaseUrl: string): boolean {
  const base = new URL(fhirBaseUrl)
  if (url.origin !== base.origin || url.username !== '' || url.password !== '') return false
  const folder = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`
  return url.pathname.startsWith(folder) || `${url.pathname}/` === folder
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/** A stream is used up by its first sending. */
function isReplayable(body: RequestInit['body']): boolean {
  return !(
    body instanceof ReadableStream ||
    (typeof body === 'object' && body !== null && Symbol.asyncIterator in body)
  )
}
