import type { FhirContext } from '../fhir/fhir-context.ts'
import {
  type AdapterRequest,
  type Answer,
  type FhirHandler,
  type Finding,
  findContext,
  headersBesideBody,
  MissingContext,
  type ProblemAnswer,
} from './adapter-contract.ts'

/** The part of Node's `IncomingMessage` that core reads; each framework's request has it too. */
export interface NodeRequestParts {
  readonly method?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** A request inside a framework that takes Node's middleware. */
export interface NodeMiddlewareRequest extends NodeRequestParts, FhirCarrier {
  readonly url?: string | undefined
  /** The URL before the framework has cut off a mount path. */
  readonly originalUrl?: string | undefined
}

/** The part of Node's `ServerResponse` that core uses. */
export interface NodeResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  appendHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/** A request of Node's HTTP server, or of a framework on top of it. */
export class NodeRequest implements AdapterRequest {
  readonly method: string
  readonly url: string
  readonly #headers: NodeRequestParts['headers']

  /** @param url - with the mount path, and after a rewrite (`url` in Fastify) */
  constructor({ method = 'GET', headers }: NodeRequestParts, url: string) {
    this.method = method
    this.url = url
    this.#headers = headers
  }

  header(name: string): string | undefined {
    const value = this.#headers[name]
    return typeof value === 'string' || value === undefined ? value : value[0]
  }
}

/** Keeps the reason on a request without a context, for the guard. */
const MISSING: unique symbol = Symbol('fhir-auth missing context')

/** A request as handlers see it. */
interface FhirCarrier {
  fhir?: FhirContext
}
interface Marked extends FhirCarrier {
  [MISSING]?: MissingContext | undefined
}

/** What {@link keepFinding} has stored on a request. */
export function findingOn(request: FhirCarrier): Finding | undefined {
  return request.fhir ?? (request as Marked)[MISSING] // not in the public type
}

/** Stores on a request what was found for it, for its handler and its guard. */
export function keepFinding(request: FhirCarrier, found: Finding): void {
  // Add no member without need: Express changes the request's prototype, which makes each new member cost a microsecond.
  if (found instanceof MissingContext) {
    if (request.fhir !== undefined) delete request.fhir
    const marked: Marked = request
    marked[MISSING] = found
  } else {
    request.fhir = found
  }
}

/** A request of Node's middleware as core reads it. */
export function nodeRequestOf(request: NodeMiddlewareRequest): NodeRequest {
  return new NodeRequest(request, request.originalUrl ?? request.url ?? '/')
}

type Next = (error?: unknown) => void

/**
 * Middleware as Express and Nest take it: it answers the handler's own paths, and gives every other request its context.
 *
 * @param forward - makes an error for the app's error handler of a problem; without it, problems are answered
 */
export function nodeMiddleware<Response extends NodeResponse>(
  handler: FhirHandler,
  forward: ((problem: ProblemAnswer, response: Response) => unknown) | undefined,
): (request: NodeMiddlewareRequest, response: Response, next: Next) => void {
  return function fhirMiddleware(request, response, next) {
    const asked = nodeRequestOf(request)
    if (handler.handles(asked.url)) {
      Promise.resolve(handler.answer(asked))
        .then((answer) => {
          if (forward && answer.kind === 'problem') next(forward(answer, response))
          else sendOnNode(answer, response)
        })
        .catch(next)
      return
    }
    const found = findContext(handler, asked, findingOn(request))
    if (found instanceof Promise) found.then((late) => attach(late, request, next)).catch(next)
    else attach(found, request, next)
  }
}

function attach(found: Finding, request: FhirCarrier, next: Next): void {
  keepFinding(request, found)
  next()
}

/** Sends an answer on Node's own response, which frameworks extend. So no framework adds a charset to the content type. */
export function sendOnNode(answer: Answer, response: NodeResponse): void {
  response.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
  for (const cookie of answer.cookies) response.appendHeader('set-cookie', cookie)
  response.end(answer.body)
}

/** Sends the cookies, and the headers that are not about the body, of an answer whose body the app writes. */
export function sendHeadOnNode(answer: Answer, response: NodeResponse): void {
  for (const [name, value] of Object.entries(headersBesideBody(answer))) response.setHeader(name, value)
  for (const cookie of answer.cookies) response.appendHeader('set-cookie', cookie)
}
