import {
  BackendServices,
  type BackendServicesOptions,
  createBackendServices,
  createSmartLaunch,
  type FhirAuthError,
  type FhirContext,
  type FhirRequirement,
  SmartLaunch,
  type SmartLaunchOptions,
} from '@fhir-auth/core'
import {
  contextBehindGuard,
  createFhirGuard,
  type FhirHandler,
  failureAnswer,
  findingOn,
  GUARDED_CACHE_CONTROL,
  nodeMiddleware,
  nodeRequestOf,
  type ProblemAnswer,
  sendHeadOnNode,
  sendOnNode,
} from '@fhir-auth/core/adapter'
import type { ErrorRequestHandler, NextFunction, Request, RequestHandler, Response } from 'express'

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
 * Any request that passes it may get a new token, so mount it after your own check of who is asking.
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
    const refusal = guard(findingOn(req), nodeRequestOf(req))
    if (refusal) {
      if (refusal.kind === 'problem' && handling.problems === 'forward') next(errorOf(refusal, res))
      else sendOnNode(refusal, res)
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

/**
 * Answers the errors of `fhir.json()` and `fhir.fetch()` that a handler lets through: a page in plain words for a person,
 * problem+json (RFC 9457) for a program, and a log line for the operator. Mount it after the routes. All other errors go on to
 * the next error handler, and so do mistakes of the app (`FhirAuthError` with status 500).
 */
export function fhirErrors(): ErrorRequestHandler {
  return function fhirErrors(error, req, res, next) {
    const answer = res.headersSent ? undefined : failureAnswer(error, findingOn(req), nodeRequestOf(req))
    if (answer) sendOnNode(answer, res)
    else next(error)
  }
}

function serverOf(handler: FhirHandler, { problems = 'answer' }: ProblemHandling): RequestHandler {
  return nodeMiddleware(handler, problems === 'forward' ? errorOf : undefined)
}

/** The error for the app's own handler, which writes the body. All other headers are set already. */
function errorOf(problem: ProblemAnswer, res: Response): FhirAuthError {
  sendHeadOnNode(problem, res)
  return problem.error
}
