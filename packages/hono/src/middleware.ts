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
  findContext,
  GUARDED_CACHE_CONTROL,
  headersBesideBody,
  MissingContext,
} from '@fhir-auth/core/adapter'
import type { Context, MiddlewareHandler, Next } from 'hono'
import { createMiddleware } from 'hono/factory'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** What smartLaunch() and backendServices() add to the context of the routes behind them. */
export interface FhirEnv {
  Variables: {
    /** The token of this request's session or backend service, when there is one; it is valid now. */
    fhir: FhirContext | undefined
  }
}

/** What requireFhir() adds: behind it there always is a token. */
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
 * Logs people in by SMART app launch, and sets `c.var.fhir` for those who are.
 *
 * @param options - or an instance made by `createSmartLaunch`
 * @throws `invalid_option`, `insecure_url` when called with options that cannot work
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
 * Serves the app's JWKS, and sets `c.var.fhir` to a system token. A request that smartLaunch() has seen before keeps
 * the person's context, or none: a person never gets the system's rights by the order of two lines.
 *
 * @param options - or an instance made by `createBackendServices`
 * @throws `invalid_option`, `insecure_url` when called with options that cannot work
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
 * Lets a request pass only with a context, and with the scopes and launch context it needs. Otherwise: login for a
 * person, 401 or 403 problem+json for a program.
 *
 * @throws `invalid_option` when called with an unknown option or something that is no scope
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
    // Afterwards, since a handler's own Response knows nothing of headers that were set before.
    if (!c.res.headers.has('cache-control')) c.header('cache-control', GUARDED_CACHE_CONTROL)
    return undefined
  })
}

/** A Hono request as core reads it: with the path as it came in, whatever `route()` or `basePath()` it went through. */
class HonoRequest implements AdapterRequest {
  readonly #c: Context
  readonly #nodeHeaders: NodeHeaders | undefined
  /** Never the host: it is whatever the client says. */
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

  /** On Workers, what one request asks a server for is lost with that request, and others may wait for it. */
  waitUntil(work: Promise<unknown>): void {
    const settled = work.catch(() => {}) // whoever asked for it hears of the failure
    executionContextOf(this.#c)?.waitUntil(settled)
  }
}

type NodeHeaders = Readonly<Record<string, string | string[] | undefined>>

/** On Node, `@hono/node-server` has the request's headers as they came; asking Hono would make new objects of them. */
function nodeHeadersOf(c: Context): NodeHeaders | undefined {
  const { incoming } = (c.env ?? {}) as { incoming?: { rawHeaders?: unknown; headers?: NodeHeaders } }
  // A binding of the app may have that name too.
  return Array.isArray(incoming?.rawHeaders) ? incoming?.headers : undefined
}

function executionContextOf(c: Context): Context['executionCtx'] | undefined {
  try {
    return c.executionCtx
  } catch {
    return undefined // there is none outside of Workers, and asking for it throws
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

function findingOf(c: Context): Finding | undefined {
  return c.get('fhir') ?? (c as Marked<Context>)[MISSING]
}

function attach(found: Finding, c: Context<FhirEnv>, next: Next): ReturnType<Next> {
  // The first variable of a request makes Hono a Map: none without need.
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
  // Without a body, no content type is made up for it.
  const body = answer.body === '' ? null : answer.body
  if (answer.kind === 'problem' && problems === 'forward') {
    for (const [name, value] of Object.entries(headersBesideBody(answer))) c.header(name, value)
    for (const cookie of answer.cookies) c.header('set-cookie', cookie, { append: true })
    const res = new Response(body, { status, headers })
    throw new HTTPException(status, { message: answer.error.message, res, cause: answer.error })
  }
  // Not a bare Response: that would lose the headers that the app has set on the way.
  return c.newResponse(body, { status, headers })
}
