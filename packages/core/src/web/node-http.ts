import type { FhirContext } from '../fhir/fhir-context.ts'
import {
  type AdapterRequest,
  type Answer,
  type Finding,
  headersBesideBody,
  MissingContext,
} from './adapter-contract.ts'

/** The part of Node's `IncomingMessage` that core reads; each framework's request has it too. */
export interface NodeRequestParts {
  readonly method?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
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

  /** @param url - with the mount path (`originalUrl` in Express), and after a rewrite (`url` in Fastify) */
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
