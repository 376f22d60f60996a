// docs/adapters.md, followed once: a test holds this file and the page together.

import {
  BackendServices,
  type BackendServicesOptions,
  createBackendServices,
  createFhirProxy,
  createSmartLaunch,
  type FhirContext,
  FhirProxy,
  type FhirProxyOptions,
  type FhirRequirement,
  SmartLaunch,
  type SmartLaunchOptions,
} from '@fhir-auth/core'
import {
  type AdapterRequest,
  type Answer,
  createFhirGuard,
  type FhirHandler,
  failureAnswer,
  findContext,
  GUARDED_CACHE_CONTROL,
  headersBesideBody,
  MissingContext,
  NodeStreamedRequest,
  sendStreamOnNode,
} from '@fhir-auth/core/adapter'
import type { Middleware, Next, ParameterizedContext } from 'koa'

/** On a request without a context: why, for the guard. */
const MISSING: unique symbol = Symbol('fhir-auth missing context')

/** What the middleware adds to `ctx.state`. */
export interface FhirState {
  /** The token of this request's session or backend service, when there is one; it is valid now. */
  fhir?: FhirContext | undefined
  [MISSING]?: MissingContext | undefined
}
type KoaContext = ParameterizedContext<FhirState>

function requestOf(ctx: KoaContext): AdapterRequest {
  return { method: ctx.method, url: ctx.originalUrl, header: (name) => ctx.get(name) || undefined }
}

export interface ProblemHandling {
  /** `answer`: at once, as problem+json or a plain page. `forward`: by Koa's error path. Default `answer`. */
  problems?: 'answer' | 'forward' | undefined
}

function apply(answer: Answer, ctx: KoaContext, { problems = 'answer' }: ProblemHandling): void {
  ctx.append('set-cookie', [...answer.cookies])
  if (answer.kind === 'problem' && problems === 'forward') {
    ctx.set(headersBesideBody(answer))
    throw answer.error
  }
  ctx.status = answer.status
  ctx.body = answer.body // makes up a content type, so the headers come after it
  ctx.set(answer.headers)
}

async function serve(handler: FhirHandler, ctx: KoaContext, next: Next, handling: ProblemHandling): Promise<void> {
  const request = requestOf(ctx)
  if (handler.handles(request.url)) return apply(await handler.answer(request), ctx, handling)
  const found = await findContext(handler, request, ctx.state.fhir ?? ctx.state[MISSING])
  const isMissing = found instanceof MissingContext
  ctx.state.fhir = isMissing ? undefined : found
  ctx.state[MISSING] = isMissing ? found : undefined
  return next()
}

export function smartLaunch(
  options: SmartLaunchOptions | SmartLaunch,
  handling: ProblemHandling = {},
): Middleware<FhirState> {
  const launch = options instanceof SmartLaunch ? options : createSmartLaunch(options)
  return (ctx, next) => serve(launch, ctx, next, handling)
}

export function backendServices(
  options: BackendServicesOptions | BackendServices,
  handling: ProblemHandling = {},
): Middleware<FhirState> {
  const backend = options instanceof BackendServices ? options : createBackendServices(options)
  return (ctx, next) => serve(backend, ctx, next, handling)
}

export function requireFhir(requirement: FhirRequirement = {}, handling: ProblemHandling = {}): Middleware<FhirState> {
  const guard = createFhirGuard(requirement)
  return (ctx, next) => {
    const refusal = guard(ctx.state.fhir ?? ctx.state[MISSING], requestOf(ctx))
    if (refusal) return apply(refusal, ctx, handling)
    ctx.set('cache-control', GUARDED_CACHE_CONTROL) // a handler may set another
    return next()
  }
}

export function fhirErrors(): Middleware<FhirState> {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      const answer = ctx.headerSent
        ? undefined
        : failureAnswer(error, ctx.state.fhir ?? ctx.state[MISSING], requestOf(ctx))
      if (!answer) throw error
      apply(answer, ctx, {})
    }
  }
}

export function fhirProxy(options: FhirProxyOptions | FhirProxy): Middleware<FhirState> {
  const proxy = options instanceof FhirProxy ? options : createFhirProxy(options)
  return async (ctx, next) => {
    const { req, res, originalUrl, state } = ctx
    if (!proxy.handles(originalUrl)) return next()
    const asked = new NodeStreamedRequest(req, res, originalUrl)
    const answer = await proxy.answer(asked, state.fhir ?? state[MISSING])
    ctx.respond = false
    await sendStreamOnNode(answer, res)
  }
}
