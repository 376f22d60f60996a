import { FhirAuthError } from './errors.ts'
import { shownText } from './http.ts'
import type { MaybePromise } from './options.ts'
import type { ScopeSet } from './scopes.ts'

/** The person behind the token: `fhirUser` of the id_token (SMART App Launch 2.2 "Scopes for requesting identity data"). */
export interface FhirUser {
  readonly type: string
  readonly id: string
  /** Absolute. It may be on another server, where this token must not go. */
  readonly url: string
}

/** Another resource of the launch (SMART App Launch 2.2 "fhirContext", experimental). */
export interface FhirContextItem {
  readonly reference?: string
  readonly canonical?: string
  readonly identifier?: unknown
  readonly type?: string
  /** `launch` where the server says nothing. */
  readonly role: string
}

/** What came with the token: SMART's launch context by its wire names, and every other member of the token response. */
export interface LaunchContext {
  readonly need_patient_banner?: boolean
  readonly intent?: string
  readonly smart_style_url?: string
  readonly tenant?: string
  readonly fhirContext?: readonly FhirContextItem[]
  readonly [member: string]: unknown
}

/** Verified claims of the id_token. The key of an account is `iss` together with `sub`. */
export interface IdTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly [claim: string]: unknown
}

/** What a token stands for; all of it plain data. */
export interface FhirGrant {
  readonly fhirBaseUrl: string
  readonly accessToken: string
  readonly expiresAt: number
  readonly scope: ScopeSet
  readonly patient: string | undefined
  readonly encounter: string | undefined
  readonly fhirUser: FhirUser | undefined
  readonly idToken: IdTokenClaims | undefined
  readonly launch: LaunchContext
  readonly launchId: string | undefined
}

/** Where `fetch` gets its token: a session, or a backend's cache. */
export interface TokenSource {
  /** The newest valid access token. */
  current(): MaybePromise<string>
  /** A token newer than the one the FHIR server refused, or undefined when there is none to be had. */
  replace(refused: string): Promise<string | undefined>
}

/** How `fetch` reaches the FHIR server. */
export type FetchFunction = typeof globalThis.fetch

/**
 * What a handler gets as `fhir`: a token that is valid now, and what it stands for. Frozen; one object per token, not per
 * request, as long as its session is among the 10,000 used last in this process.
 */
export class FhirContext implements FhirGrant {
  readonly fhirBaseUrl: string
  /** When the access token expires, in milliseconds since the epoch. */
  readonly expiresAt: number
  readonly scope: ScopeSet
  /** Id of the Patient in context. */
  readonly patient: string | undefined
  /** Id of the Encounter in context. */
  readonly encounter: string | undefined
  readonly fhirUser: FhirUser | undefined
  readonly idToken: IdTokenClaims | undefined
  readonly launch: LaunchContext
  /** Which launch of the browser session this is; undefined for a backend service. */
  readonly launchId: string | undefined
  /**
   * `fetch` with the bearer token, for URLs under `fhirBaseUrl` only; a relative URL is relative to it. Uses the newest
   * token of its session, whichever that is when called. On 401 it gets one new token and replays once, if the body can
   * be sent again. Redirects of GET and HEAD are followed, without the token where they leave the FHIR base.
   *
   * @throws `url_outside_fhir_base` before anything is sent
   */
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
  // Private, so that neither console.log nor JSON.stringify shows it.
  readonly #accessToken: string

  constructor(grant: FhirGrant, tokens: TokenSource, send: FetchFunction) {
    this.fhirBaseUrl = grant.fhirBaseUrl
    this.expiresAt = grant.expiresAt
    this.scope = grant.scope
    this.patient = grant.patient
    this.encounter = grant.encounter
    this.fhirUser = grant.fhirUser
    this.idToken = grant.idToken
    this.launch = grant.launch
    this.launchId = grant.launchId
    this.#accessToken = grant.accessToken
    this.fetch = (url, init) => fetchFhir(grant.fhirBaseUrl, tokens, send, url, init)
    Object.freeze(this)
  }

  get accessToken(): string {
    return this.#accessToken
  }
}

const MAX_REDIRECTS = 5

async function fetchFhir(
  fhirBaseUrl: string,
  tokens: TokenSource,
  send: FetchFunction,
  url: string | URL,
  init: RequestInit = {},
): Promise<Response> {
  const target = resolveFhirUrl(url, fhirBaseUrl)
  const token = await tokens.current()
  const { response, hasLeft } = await sendFhir(fhirBaseUrl, send, target, init, token)
  // Another server's 401, at the end of a redirect, says nothing of the token, which it never saw.
  if (response.status !== 401 || hasLeft || !isReplayable(init.body)) return response
  const renewed = await tokens.replace(token)
  if (renewed === undefined) return response
  await response.body?.cancel()
  return (await sendFhir(fhirBaseUrl, send, target, init, renewed)).response
}

/** @returns the answer, and whether a redirect left the FHIR base on the way to it */
async function sendFhir(
  fhirBaseUrl: string,
  send: FetchFunction,
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
