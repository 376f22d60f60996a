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
  findContext,
  type MissingContext,
} from '@fhir-auth/core/adapter'
import type { NextFunction, Request, RequestHandler, Response } from 'express'

declare global {
  namespace Express {
    interface Request {
      /** The token of this request's session or backend service, when there is one; it is valid now. */
      fhir?: FhirContext
    }
  }
}

export interface ProblemHandling {
  /**
   * `answer`: problems (a refused login, a missing scope, …) are answered at once, as problem+json or a plain page.
   * `forward`: they go to `next(error)` as `FhirAuthError`, for the app's own error handler. Default `answer`.
   */
  problems?: 'answer' | 'forward' | undefined
}

/** On a request without a context: who was asked for one, and what went wrong. For the guard. */
const MISSING: unique symbol = Symbol('fhir-auth missing context')
interface Marked extends Pick<Request, 'fhir'> {
  [MISSING]?: MissingContext | undefined
}

/** Middleware before a handler of any route: a `RequestHandler` would make the handler forget its path's parameters. */
type RouteGuard = <Params>(req: Request<Params>, res: Response, next: NextFunction) => void

/**
 * Logs people in by SMART app launch, and sets `req.fhir` for those who are.
 *
 * @param options - or an instance made by `createSmartLaunch`
 * @throws `invalid_option`, `insecure_url` when called with options that cannot work
 */
export function smartLaunch(options: SmartLaunchOptions | SmartLaunch, handling: ProblemHandling = {}): RequestHandler {
  const launch = options instanceof SmartLaunch ? options : createSmartLaunch(options)
  return function smartLaunch(req, res, next) {
    serve(launch, req, res, next, handling)
  }
}

/**
 * Serves the app's JWKS, and sets `req.fhir` to a system token. A request that smartLaunch() has seen before keeps the
 * person's context, or none: a person never gets the system's rights by the order of two lines.
 *
 * @param options - or an instance made by `createBackendServices`
 * @throws `invalid_option`, `insecure_url` when called with options that cannot work
 */
export function backendServices(
  options: BackendServicesOptions | BackendServices,
  handling: ProblemHandling = {},
): RequestHandler {
  const backend = options instanceof BackendServices ? options : createBackendServices(options)
  return function backendServices(req, res, next) {
    serve(backend, req, res, next, handling)
  }
}

/**
 * Lets a request pass only with a context, and with the scopes and launch context it needs. Otherwise: login for a
 * person, 401 or 403 problem+json for a program.
 *
 * @throws `invalid_option` when called with an unknown option or something that is no scope
 */
export function requireFhir(requirement: FhirRequirement = {}, handling: ProblemHandling = {}): RouteGuard {
  const guard = createFhirGuard(requirement)
  return function requireFhir(req, res, next) {
    const marked: Marked = req
    const refusal = guard(req.fhir, marked[MISSING], new ExpressRequest(req))
    if (refusal) apply(refusal, res, next, handling)
    else next()
  }
}

/** An Express request as core reads it: with the URL before any mount path was cut off. */
class ExpressRequest implements AdapterRequest {
  readonly method: string
  readonly url: string
  readonly #headers: Request['headers']

  constructor(req: Pick<Request, 'method' | 'originalUrl' | 'headers'>) {
    this.method = req.method
    this.url = req.originalUrl
    this.#headers = req.headers
  }

  header(name: string): string | undefined {
    const value = this.#headers[name]
    return typeof value === 'string' ? value : value?.[0]
  }
}

function serve(handler: FhirHandler, req: Request, res: Response, next: NextFunction, handling: ProblemHandling): void {
  const request = new ExpressRequest(req)
  if (handler.handles(request.url)) {
    Promise.resolve(handler.answer(request))
      .then((answer) => apply(answer, res, next, handling))
      .catch(next)
    return
  }
  const marked: Marked = req
  const before = marked[MISSING]
  findContext(handler, request, req.fhir, before, (context, missing) => {
    if (context) req.fhir = context
    else if (req.fhir !== undefined) delete req.fhir
    // Express has changed the request's prototype, and each new member then costs a microsecond: none without need.
    if (missing !== before) marked[MISSING] = missing
    next()
  })
}

function apply(answer: Answer, res: Response, next: NextFunction, { problems = 'answer' }: ProblemHandling): void {
  if (answer.kind === 'problem' && problems === 'forward') {
    next(answer.error)
    return
  }
  res.status(answer.status)
  // Node's own method: Express adds a charset to the type of JSON.
  for (const [name, value] of Object.entries(answer.headers)) res.setHeader(name, value)
  for (const cookie of answer.cookies) res.append('set-cookie', cookie)
  res.end(answer.body)
}
