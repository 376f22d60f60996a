import {
  BackendServices,
  type BackendServicesOptions,
  createBackendServices,
  createSmartLaunch,
  type FhirContext,
  type FhirRequirement,
  SmartLaunch,
  type SmartLaunchOptions,
} from '@fhir-auth/core'
import {
  type AdapterRequest,
  type Answer,
  createFhirGuard,
  type FhirHandler,
  type Finding,
  failureAnswer,
  findContext,
  GUARDED_CACHE_CONTROL,
  headersBesideBody,
  MissingContext,
} from '@fhir-auth/core/adapter'
import type { Context, ErrorHandler, MiddlewareHandler, Next } from 'hono'
import { createMiddleware } from 'hono/factory'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** What smartLaunch() and backendServices() add to the Hono context. */
export interface FhirEnv {
  Variables: {
    /** The context of this request's session or backend service, if there is one. Its token is valid. */
    fhir: FhirContext | undefined
  }
}

/** What requireFhir() adds: behind it there is always a token. */
export interface GuardedFhirEnv {
  Variables: {
    fhir: FhirContext
  }
}

export interface ProblemHandling {
  /**
   * `answer`: problems (a refused login, a missing scope, …) are answered at once, as problem+json or a plain page.
   * `forward`: they are thrown as `HTTPException`, for `app.onError`: its `cause` is the `FhirAuthError`, and
   * `getResponse()` the answer that would have been given. Default `answer`.
   */
  problems?: 'answer' | 'forward' | undefined
}

/** On a request without a context: why, for the guard. */
const MISSING: unique symbol = Symbol('fhir-auth missing context')
type Marked<C> = C & { [MISSING]?: MissingContext | undefined }

/**
 * Logs people in with SMART app launch, and sets `c.var.fhir` for people who are logged in.
 *
 * @param options - or an instance made by `createSmartLaunch`
 * @throws `invalid_option`, `insecure_url` for wrong options
 */
export function smartLaunch(
  options: SmartLaunchOptions | SmartLaunch,
  handling: ProblemHandling = {},
): MiddlewareHandler<FhirEnv> {
  const launch = options instanceof SmartLaunch ? options : createSmartLaunch(options)
  return createMiddleware<FhirEnv>(function smartLaunch(c, next) {
    return serve(launch, c, next, handling)
  })
}

/**
 * Serves the app's JWKS, and sets `c.var.fhir` to a context with a system token. It leaves requests alone that smartLaunch()
 * has handled, logged in or not. So a person never gets the system's token, in whichever order the two are mounted.
 * Any request that passes it may get a new token, so mount it after your own check of who is asking.
 *
 * @param options - or an instance made by `createBackendServices`
 * @throws `invalid_option`, `insecure_url` for wrong options
 */
export function backendServices(
  options: BackendServicesOptions | BackendServices,
  handling: ProblemHandling = {},
): MiddlewareHandler<FhirEnv> {
  const backend = options instanceof BackendServices ? options : createBackendServices(options)
  return createMiddleware<FhirEnv>(function backendServices(c, next) {
    return serve(backend, c, next, handling)
  })
}

/**
 * Lets a request pass only with a context, and with the scopes and launch context that it needs. Otherwise a person is sent
 * to the login, and a program gets 401 or 403 with problem+json.
 *
 * @throws `invalid_option` for an unknown option or a malformed scope
 */
export function requireFhir(
  requirement: FhirRequirement = {},
  handling: ProblemHandling = {},
): MiddlewareHandler<GuardedFhirEnv> {
  const guard = createFhirGuard(requirement)
  return createMiddleware<GuardedFhirEnv>(async function requireFhir(c, next) {
    const refusal = guard(findingOf(c), new HonoRequest(c))
    if (refusal) return respond(refusal, c, handling)
    await next()
    // After the handler, because only then the headers of its own Response are known.
    if (!c.res.headers.has('cache-control')) c.header('cache-control', GUARDED_CACHE_CONTROL)
    return undefined
  })
}

/**
 * An error handler for `app.onError`. It answers the errors of `fhir.json()` and `fhir.fetch()` that a handler lets through:
 * a page in plain words for a person, problem+json (RFC 9457) for a program, and a log line for the operator.
 *
 * @param otherwise - answers all other errors, and mistakes of the app (`FhirAuthError` with status 500). Default: what Hono
 *   does without an error handler
 */
export function fhirErrors(otherwise: ErrorHandler = answerAsHono): ErrorHandler {
  return function fhirErrors(error, c) {
    const answer = failureAnswer(error, findingOf(c), new HonoRequest(c))
    return answer ? respond(answer, c, {}) : otherwise(error, c)
  }
}

function answerAsHono(error: Parameters<ErrorHandler>[0], c: Context): Response {
  if ('getResponse' in error) {
    const response = error.getResponse()
    return c.newResponse(response.body, response)
  }
  // biome-ignore lint/suspicious/noConsole: as Hono does it
  console.error(error)
  return c.text('Internal Server Error', 500)
}

/** A Hono request as core reads it, with the whole path, including prefixes of `route()` and `basePath()`. */
export class HonoRequest implements AdapterRequest {
  readonly #c: Context
  readonly #nodeHeaders: NodeHeaders | undefined
  /** Without the host, which the client can set to anything. */
  readonly url: string

  constructor(c: Context) {
    const { url } = c.req
    this.#c = c
    this.#nodeHeaders = nodeHeadersOf(c)
    this.url = url.slice(url.indexOf('/', url.indexOf('://') + 3))
  }

  get method(): string {
    return this.#c.req.method
  }

  header(name: string): string | undefined {
    if (this.#nodeHeaders === undefined) return this.#c.req.header(name)
    const value = this.#nodeHeaders[name]
    return typeof value === 'string' ? value : value?.[0]
  }

  /** Workers cancels the requests to a server when the app's own request ends, but other requests may wait for them. */
  waitUntil(work: Promise<unknown>): void {
    const settled = work.catch(() => {}) // the caller handles the error
    executionContextOf(this.#c)?.waitUntil(settled)
  }
}

type NodeHeaders = Readonly<Record<string, string | string[] | undefined>>

/** On Node, `@hono/node-server` has Node's own headers; reading them through Hono would create new objects. */
function nodeHeadersOf(c: Context): NodeHeaders | undefined {
  const { incoming } = (c.env ?? {}) as { incoming?: { rawHeaders?: unknown; headers?: NodeHeaders } }
  // Check its shape, because a binding of the app may have the same name.
  return Array.isArray(incoming?.rawHeaders) ? incoming?.headers : undefined
}

function executionContextOf(c: Context): Context['executionCtx'] | undefined {
  try {
    return c.executionCtx
  } catch {
    return undefined // outside Workers the getter throws
  }
}

function serve(
  handler: FhirHandler,
  c: Context<FhirEnv>,
  next: Next,
  handling: ProblemHandling,
): ReturnType<MiddlewareHandler> {
  const request = new HonoRequest(c)
  if (handler.handles(request.url)) {
    const answer = Promise.resolve(handler.answer(request))
    request.waitUntil(answer)
    return answer.then((found) => respond(found, c, handling))
  }
  const found = findContext(handler, request, findingOf(c))
  return found instanceof Promise ? found.then((late) => attach(late, c, next)) : attach(found, c, next)
}

export function findingOf(c: Context): Finding | undefined {
  return c.get('fhir') ?? (c as Marked<Context>)[MISSING]
}

function attach(found: Finding, c: Context<FhirEnv>, next: Next): ReturnType<Next> {
  // Set no variable without need: for the first one, Hono creates a Map.
  if (found instanceof MissingContext) {
    if (c.get('fhir') !== undefined) c.set('fhir', undefined)
    ;(c as Marked<typeof c>)[MISSING] = found
  } else {
    c.set('fhir', found)
  }
  return next()
}

function respond(answer: Answer, c: Context, { problems = 'answer' }: ProblemHandling): Response {
  const headers = new Headers(answer.headers)
  for (const cookie of answer.cookies) headers.append('set-cookie', cookie)
  const status = answer.status as ContentfulStatusCode // every status of core may have a body
  // Null, because an empty string would get a content type.
  const body = answer.body === '' ? null : answer.body
  if (answer.kind === 'problem' && problems === 'forward') {
    for (const [name, value] of Object.entries(headersBesideBody(answer))) c.header(name, value)
    for (const cookie of answer.cookies) c.header('set-cookie', cookie, { append: true })
    const res = new Response(body, { status, headers })
    throw new HTTPException(status, { message: answer.error.message, res, cause: answer.error })
  }
  // Not `new Response`: that would lose the headers that the app has set before.
  return c.newResponse(body, { status, headers })
}
