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
  /** Keeps a runtime that stops after the response, such as Cloudflare Workers, alive until this work ends. */
  waitUntil?(work: Promise<unknown>): void
}

interface AnswerParts {
  readonly status: number
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Serialised `Set-Cookie` values, one header each. */
  readonly cookies: readonly string[]
  readonly body: string
}

/**
 * What an adapter applies to its framework's response: status, headers, cookies and body. All kinds are applied in the same
 * way. The kind lets an app handle problems itself.
 */
export type Answer =
  | (AnswerParts & { readonly kind: 'redirect'; readonly location: string })
  | (AnswerParts & { readonly kind: 'page' })
  | (AnswerParts & { readonly kind: 'empty' })
  | (AnswerParts & { readonly kind: 'jwks' })
  | (AnswerParts & { readonly kind: 'problem'; readonly error: FhirAuthError })

/** A request with a body, for the FHIR proxy. */
export interface StreamedRequest extends AdapterRequest {
  /** The body as it arrives; undefined if there is none. It is read once. */
  readonly body: AsyncIterable<Uint8Array> | undefined
  /** Whether the browser has gone away before it had the answer. */
  readonly hasLeft: boolean
  /** Calls back when the browser goes away, if that is before it has the answer. */
  onLeave(listener: () => void): void
}

/** The answer of the FHIR proxy: one of core's own, or one of the FHIR server, whose body is sent as the browser takes it. */
export type StreamedAnswer =
  | Answer
  | (Omit<AnswerParts, 'body'> & {
      readonly kind: 'stream'
      /** Bytes where it is small, so that it goes out at once. */
      readonly body: Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array> | undefined
    })

/** What answers such requests: the FHIR proxy. */
export interface StreamedHandler {
  /** Whether it answers this path, instead of the app's routes. */
  handles(url: string): boolean
  /** On failure it rejects; it never throws. */
  answer(request: StreamedRequest, finding: Finding | null | undefined): Promise<StreamedAnswer>
}

/** An answer to a request that something is wrong with. */
export type ProblemAnswer = Extract<Answer, { kind: 'problem' }>

/** The headers of an answer that still apply when the app writes the body itself. */
export function headersBesideBody({ headers }: Answer): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.includes('content')))
}

/** The interface between core and an adapter. A launch and a backend service both implement it. */
export interface FhirHandler {
  /** Whose token it provides: a person's, or the app's own. */
  readonly kind: 'launch' | 'backend'
  /** All paths that it answers, for a framework that registers each route by name. */
  readonly paths: readonly string[]
  /** Whether it answers this path, instead of the app's routes. */
  handles(url: string): boolean
  /** Answers a request whose path it handles. On failure it rejects; it never throws. */
  answer(request: AdapterRequest): MaybePromise<Answer>
  /**
   * The context of any other request. It is a promise only if something has to be fetched. On failure it rejects; it never
   * throws.
   */
  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined>
  /** Where a person without a context can log in, and is then sent back to this request. */
  loginUrl?(request: AdapterRequest): string | undefined
}

/** Kept on a request without a context, for the guard: which handler was asked, and what went wrong. */
export class MissingContext {
  readonly handler: FhirHandler
  /** `undefined` if nothing went wrong and nobody is logged in. */
  readonly failure: unknown

  constructor(handler: FhirHandler, failure?: unknown) {
    this.handler = handler
    this.failure = failure
  }
}

/** What was found for a request: its context, or why it has none. The adapter keeps it on the request. */
export type Finding = FhirContext | MissingContext

/**
 * Finds the context of a request that no handler answers. It returns a promise only if something has to be fetched, and it
 * never fails: a missing token matters only on a guarded route, so the guard reports the reason.
 *
 * If a launch has already handled the request, a backend service does not replace its result, even if nobody is logged in.
 * So a person never gets the system's token, in whichever order the two are mounted.
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

/** Whether `url` has exactly this path. Runs on every request, so it allocates nothing. */
export function hasPath(url: string, path: string | undefined): boolean {
  if (path === undefined || !url.startsWith(path)) return false
  return url.length === path.length || url.charCodeAt(path.length) === 63 /* ? */
}
