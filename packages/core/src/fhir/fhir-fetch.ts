import { checkResponse, discardBody } from '../http/read-bounded.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { mayGetToken, resolveFhirUrl, type TokenArea } from './fhir-target.ts'

/** Where `fhir.fetch` gets its token: a session, or a backend's cache. */
export interface TokenSource {
  /** The newest valid access token. */
  current(): MaybePromise<string>
  /** A newer token than the one that the FHIR server refused; undefined if there is none. */
  replace(refused: string): Promise<string | undefined>
}

/** How requests are sent to the FHIR server. */
export type FetchFunction = typeof globalThis.fetch

const MAX_REDIRECTS = 5

/** Where requests go, with which token, and how they are sent. */
export interface FhirAccess extends TokenArea {
  readonly tokens: TokenSource
  readonly send: FetchFunction
}

/** See `FhirContext.fetch`. */
export async function fetchFhir(access: FhirAccess, url: string | URL, init: RequestInit = {}): Promise<Response> {
  const target = await resolveFhirUrl(url, access)
  const { response } = await withToken(access.tokens, {
    send: (token) => sendFhir(access, target, init, token),
    // After a redirect to another server, a 401 is not about the token, which that server never got.
    isRefused: ({ response, hasLeft }) => response.status === 401 && !hasLeft && isReplayable(init.body),
    discard: ({ response }) => discardBody(response),
  })
  return response
}

/** A request that may be sent a second time. */
interface Attempt<Answer> {
  send(token: string): Promise<Answer>
  /** Whether the token was refused, and the request can be sent again. */
  isRefused(answer: Answer): boolean
  discard(answer: Answer): Promise<void> | void
}

/** Sends with the newest token, and once more with a new one if that is refused. */
export async function withToken<Answer>(tokens: TokenSource, attempt: Attempt<Answer>): Promise<Answer> {
  const token = await tokens.current()
  const answer = await attempt.send(token)
  if (!attempt.isRefused(answer)) return answer
  const renewed = await tokens.replace(token)
  if (renewed === undefined) return answer
  await attempt.discard(answer)
  return attempt.send(renewed)
}

/** @returns the response, and whether a redirect left the area where the token may go */
async function sendFhir(
  access: FhirAccess,
  target: URL,
  init: RequestInit,
  token: string,
): Promise<{ response: Response; hasLeft: boolean }> {
  const { send } = access
  const headers = new Headers(init.headers)
  if (!headers.has('accept')) headers.set('accept', 'application/fhir+json')
  headers.set('authorization', `Bearer ${token}`)
  const { redirect = 'follow' } = init
  let response = await send(target.href, { ...init, headers, redirect: redirect === 'error' ? 'error' : 'manual' })
  checkResponse(response)
  const method = (init.method ?? 'GET').toUpperCase()
  const follows = redirect === 'follow' && (method === 'GET' || method === 'HEAD')
  let from = target
  let hasLeft = false
  for (let hop = 0; follows && hop < MAX_REDIRECTS; hop++) {
    const location = isRedirect(response.status) ? response.headers.get('location') : null
    if (!location || !URL.canParse(location, from.href)) break
    from = new URL(location, from.href)
    await discardBody(response)
    // Once a redirect leaves the FHIR server, neither it nor any later one gets the token or the caller's headers.
    hasLeft ||= !(await mayGetToken(from, access))
    const onward = hasLeft ? new Headers({ accept: headers.get('accept') ?? '*/*' }) : headers
    response = await send(from.href, { ...init, headers: onward, redirect: 'manual' })
  }
  return { response, hasLeft }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/** A stream can be sent only once. */
function isReplayable(body: RequestInit['body']): boolean {
  return !(
    body instanceof ReadableStream ||
    (typeof body === 'object' && body !== null && Symbol.asyncIterator in body)
  )
}
