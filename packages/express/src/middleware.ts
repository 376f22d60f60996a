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
  type Answer,
  contextBehindGuard,
  createFhirGuard,
  type FhirHandler,
  type Finding,
  findContext,
  findingOn,
  GUARDED_CACHE_CONTROL,
  keepFinding,
  NodeRequest,
  sendHeadOnNode,
  sendOnNode,
} from '@fhir-auth/core/adapter'
import type { NextFunction, Request, RequestHandler, Response } from 'express'

declare global {
  namespace Express {
    interface Request {
      /** The context of this request's session or backend service, if there is one. Its token is valid. */
      fhir?: FhirContext
    }
  }
}

export interface ProblemHandling {
  /**
   * `answer`: problems (a refused login, a missing scope, …) are answered directly, as problem+json or a plain page.
   * `forward`: they go to `next(error)` as `FhirAuthError`, for the app's own error handler. Default `answer`.
   */
  problems?: 'answer' | 'forward' | undefined
}

/** Middleware for any route. With the type `RequestHandler`, the next handler would lose the types of its path parameters. */
type RouteGuard = <Params>(req: Request<Params>, res: Response, next: NextFunction) => void

/**
 * Logs people in with SMART app launch, and sets `req.fhir` for people who are logged in.
 *
 * @param options - or an instance made by `createSmartLaunch`
 * @throws `invalid_option`, `insecure_url` for wrong options
 */
export function smartLaunch(options: SmartLaunchOptions | SmartLaunch, handling: ProblemHandling = {}): RequestHandler {
  const serve = serverOf(options instanceof SmartLaunch ? options : createSmartLaunch(options), handling)
  return function smartLaunch(req, res, next) {
    serve(req, res, next)
  }
}

/**
 * Serves the app's JWKS, and sets `req.fhir` to a context with a system token. It leaves requests alone that smartLaunch()
 * has handled, logged in or not. So a person never gets the system's token, in whichever order the two are mounted.
 *
 * @param options - or an instance made by `createBackendServices`
 * @throws `invalid_option`, `insecure_url` for wrong options
 */
export function backendServices(
  options: BackendServicesOptions | BackendServices,
  handling: ProblemHandling = {},
): RequestHandler {
  const serve = serverOf(options instanceof BackendServices ? options : createBackendServices(options), handling)
  return function backendServices(req, res, next) {
    serve(req, res, next)
  }
}

/**
 * Lets a request pass only with a context, and with the scopes and launch context that it needs. Otherwise a person is sent
 * to the login, and a program gets 401 or 403 with problem+json.
 *
 * @throws `invalid_option` for an unknown option or a malformed scope
 */
export function requireFhir(requirement: FhirRequirement = {}, handling: ProblemHandling = {}): RouteGuard {
  const guard = createFhirGuard(requirement)
  return function requireFhir(req, res, next) {
    const refusal = guard(findingOn(req), new NodeRequest(req, req.originalUrl))
    if (refusal) {
      apply(refusal, res, next, handling)
      return
    }
    if (!res.hasHeader('cache-control')) res.setHeader('cache-control', GUARDED_CACHE_CONTROL)
    next()
  }
}

/**
 * The context of a request behind {@link requireFhir}.
 *
 * @throws `login_required` if no guard ran
 */
export function fhirOf(req: Pick<Request, 'fhir'>): FhirContext {
  return contextBehindGuard(req.fhir)
}

function serverOf(handler: FhirHandler, handling: ProblemHandling): RequestHandler {
  return function serve(req, res, next) {
    const request = new NodeRequest(req, req.originalUrl)
    if (handler.handles(request.url)) {
      Promise.resolve(handler.answer(request))
        .then((answer) => apply(answer, res, next, handling))
        .catch(next)
      return
    }
    const found = findContext(handler, request, findingOn(req))
    if (found instanceof Promise) found.then((late) => attach(late, req, next)).catch(next)
    else attach(found, req, next)
  }
}

function attach(found: Finding, req: Request, next: NextFunction): void {
  keepFinding(req, found)
  next()
}

function apply(answer: Answer, res: Response, next: NextFunction, { problems = 'answer' }: ProblemHandling): void {
  if (answer.kind === 'problem' && problems === 'forward') {
    sendHeadOnNode(answer, res)
    next(answer.error)
  } else {
    sendOnNode(answer, res)
  }
}
