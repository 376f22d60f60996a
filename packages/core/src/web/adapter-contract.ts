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
  /** By their names in lower case. */
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

/** The headers of an answer that hold whoever writes its body, such as the app's own error handling. */
export function headersBesideBody({ headers }: Answer): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.includes('content')))
}

/** The seam between core and an adapter: a launch and a backend service look the same to it. */
export interface FhirHandler {
  /** Whose token it brings: a person's, or the app's own. */
  readonly kind: 'launch' | 'backend'
  /** Every path that is answered here, for a framework that wants its routes by name. */
  readonly paths: readonly string[]
  /** Whether this path is answered here rather than by the app's routes. */
  handles(url: string): boolean
  /** Answers a request whose path it handles. It fails by rejecting, never by throwing. */
  answer(request: AdapterRequest): MaybePromise<Answer>
  /** The context of any other request: at once whenever nothing has to be fetched. It fails by rejecting, never by throwing. */
  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined>
  /** Where a person without a context can log in and come back to this request. */
  loginUrl?(request: AdapterRequest): string | undefined
}

/** Left on a request that has no context, for the guard: who was asked for one, and what went wrong. */
export class MissingContext {
  readonly handler: FhirHandler
  /** `undefined` when nothing went wrong: nobody is logged in. */
  readonly failure: unknown

  constructor(handler: FhirHandler, failure?: unknown) {
    this.handler = handler
    this.failure = failure
  }
}

/** What was found for a request: its context, or why it has none. An adapter keeps it on the request. */
export type Finding = FhirContext | MissingContext

/**
 * Finds the context of a request that no handler answers: at once whenever nothing has to be fetched, and it never fails.
 * A reason why there is none is no error yet: only a guarded route needs a token, so the reason waits for its guard.
 *
 * A backend service leaves a request alone that belongs to a person, logged in or not: nobody gets the system's rights
 * by the order of two lines.
 *
 * @param before - what an earlier handler found for this request
 */
export function findContext(
  handler: FhirHandler,
  request: AdapterRequest,
  before: Finding | null | undefined,
): MaybePromise<Finding> {
  if (handler.kind === 'backend' && belongsToPerson(before)) return before
  const found = handler.contextFor(request)
  if (!(found instanceof Promise)) return found ?? new MissingContext(handler)
  request.waitUntil?.(found)
  return found.then(
    (late) => late ?? new MissingContext(handler),
    (failure) => new MissingContext(handler, failure),
  )
}

function belongsToPerson(finding: Finding | null | undefined): finding is Finding {
  if (finding instanceof MissingContext) return finding.handler.kind === 'launch'
  return finding?.launchId !== undefined
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
