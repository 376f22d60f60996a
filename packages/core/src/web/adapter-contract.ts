import type { FhirAuthError } from '../errors.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'

/** What an adapter reads from its framework's request. */
export interface AdapterRequest {
  readonly method: string
  /** Path and query as the app received them, with any mount prefix: `/ehr/callback?code=…`. */
  readonly url: string
  /** @param name - in lower case */
  header(name: string): string | undefined
  /** For a runtime that ends a request's work with its answer, such as Cloudflare Workers: let this end first. */
  waitUntil?(work: Promise<unknown>): void
}

interface AnswerParts {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Serialised `Set-Cookie` values, each a header of its own. */
  readonly cookies: readonly string[]
  readonly body: string
}

/**
 * What an adapter applies to its framework's response: status, headers, cookies, body, the same way for each kind.
 * The kind is for an app that wants to answer problems by its own error handling.
 */
export type Answer =
  | (AnswerParts & { readonly kind: 'redirect'; readonly location: string })
  | (AnswerParts & { readonly kind: 'page' })
  | (AnswerParts & { readonly kind: 'empty' })
  | (AnswerParts & { readonly kind: 'jwks' })
  | (AnswerParts & { readonly kind: 'problem'; readonly error: FhirAuthError })

/** The seam between core and an adapter: a launch and a backend service look the same to it. */
export interface FhirHandler {
  /** Whose token it brings: a person's, or the app's own. */
  readonly kind: 'launch' | 'backend'
  /** Every path that is answered here, for a framework that wants its routes by name. */
  readonly paths: readonly string[]
  /** Whether this path is answered here rather than by the app's routes. */
  handles(url: string): boolean
  /** Answers a request whose path it handles. */
  answer(request: AdapterRequest): MaybePromise<Answer>
  /** The context of any other request: at once whenever nothing has to be fetched. It fails by rejecting, never by throwing. */
  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined>
  /** Where a person without a context can log in and come back to this request. */
  loginUrl?(request: AdapterRequest): string | undefined
}

/** Left on a request that got no context, for the guard: who was asked, and what went wrong. */
export interface MissingContext {
  readonly handler: FhirHandler
  readonly failure: unknown
}

/**
 * Finds the context of a request that no handler answers, and hands it to the adapter together with what a guard must
 * know where there is none: at once whenever nothing has to be fetched. A failure is no error yet: only a guarded route
 * needs a token, so the reason waits for its guard.
 *
 * A backend service leaves a request alone that belongs to a person, logged in or not: nobody gets the system's rights
 * by the order of two lines.
 *
 * @param context - what an earlier handler found for this request
 * @param missing - or left, where it found nothing
 */
export function findContext<Result>(
  handler: FhirHandler,
  request: AdapterRequest,
  context: FhirContext | null | undefined,
  missing: MissingContext | null | undefined,
  attach: (context: FhirContext | undefined, missing: MissingContext | undefined) => Result,
): Result | Promise<Awaited<Result>> {
  const belongsToPerson = context?.launchId !== undefined || missing?.handler.kind === 'launch'
  if (handler.kind === 'backend' && belongsToPerson) return attach(context ?? undefined, missing ?? undefined)
  const found = handler.contextFor(request)
  if (!(found instanceof Promise)) return attach(found, found ? undefined : { handler, failure: undefined })
  request.waitUntil?.(found)
  return found.then(
    (late) => attach(late, late ? undefined : { handler, failure: undefined }),
    (failure) => attach(undefined, { handler, failure }),
  ) as Promise<Awaited<Result>>
}

/** The path of a request URL, without its query. */
export function pathOf(url: string): string {
  const end = url.indexOf('?')
  return end < 0 ? url : url.slice(0, end)
}

/** Whether `url` has exactly this path; allocates nothing. */
export function hasPath(url: string, path: string | undefined): boolean {
  if (path === undefined || !url.startsWith(path)) return false
  return url.length === path.length || url.charCodeAt(path.length) === 63 /* ? */
}
