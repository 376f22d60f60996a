import type { FhirContext } from '../fhir/fhir-context.ts'
import {
  type AdapterRequest,
  type Answer,
  type Finding,
  headersBesideBody,
  MissingContext,
} from './adapter-contract.ts'

/** Of Node's `IncomingMessage`, and of each framework's request around it. */
export interface NodeRequestParts {
  readonly method?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Of Node's `ServerResponse`. */
export interface NodeResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  appendHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/** A request of Node's HTTP server, or of a framework on it, as core reads it. */
export class NodeRequest implements AdapterRequest {
  readonly method: string
  readonly url: string
  readonly #headers: NodeRequestParts['headers']

  /** @param url - before any mount path was cut off (`originalUrl` in Express), and after a rewrite (`url` in Fastify) */
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

/** On a request without a context: why, for the guard. */
const MISSING: unique symbol = Symbol('fhir-auth missing context')

/** A request as handlers see it. */
interface FhirCarrier {
  fhir?: FhirContext
}
interface Marked extends FhirCarrier {
  [MISSING]?: MissingContext | undefined
}

/** What {@link keepFinding} has left on a request. */
export function findingOn(request: FhirCarrier): Finding | undefined {
  return request.fhir ?? (request as Marked)[MISSING] // the mark is nobody else's to see
}

/** Leaves on a request what was found for it, for its handler and its guard. */
export function keepFinding(request: FhirCarrier, found: Finding): void {
  // Express has changed the request's prototype, and each new member then costs a microsecond: none without need.
  if (found instanceof MissingContext) {
    if (request.fhir !== undefined) delete request.fhir
    const marked: Marked = request
    marked[MISSING] = found
  } else {
    request.fhir = found
  }
}

/** Answers on Node's own response, which frameworks extend: to the letter, with no charset added to a type. */
export function sendOnNode(answer: Answer, response: NodeResponse): void {
  response.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
  for (const cookie of answer.cookies) response.appendHeader('set-cookie', cookie)
  response.end(answer.body)
}

/** For an answer whose body the app writes instead: cookies, and each header that is not about the body. */
export function sendHeadOnNode(answer: Answer, response: NodeResponse): void {
  for (const [name, value] of Object.entries(headersBesideBody(answer))) response.setHeader(name, value)
  for (const cookie of answer.cookies) response.appendHeader('set-cookie', cookie)
}
