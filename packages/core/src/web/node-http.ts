import { FhirAuthError } from '../errors.ts'
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
  type StreamedAnswer,
  type StreamedHandler,
  type StreamedRequest,
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

/** A request of Node's own whose body can be read. */
export interface NodeBodyRequest extends NodeMiddlewareRequest, AsyncIterable<Uint8Array> {
  /** False once somebody has read the body. */
  readonly readable?: boolean | undefined
  /** The body as it came, kept by a body parser. */
  readonly rawBody?: unknown
}

/** The part of Node's `ServerResponse` that core uses. */
export interface NodeResponse {
  statusCode: number
  setHeader(name: string, value: string): unknown
  appendHeader(name: string, value: string): unknown
  end(body?: string | Uint8Array): unknown
}

/** A response whose body is written in parts. */
export interface NodeBodyResponse extends NodeResponse {
  readonly writableEnded: boolean
  readonly destroyed: boolean
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown
  write(part: Uint8Array): boolean
  destroy(): unknown
  once(event: 'drain' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'close', listener: () => void): unknown
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

/** A request of Node's for the FHIR proxy. */
export class NodeStreamedRequest extends NodeRequest implements StreamedRequest {
  readonly #message: NodeBodyRequest
  readonly #response: NodeBodyResponse

  /** @param url - with the mount path, and after a rewrite */
  constructor(message: NodeBodyRequest, response: NodeBodyResponse, url: string) {
    super(message, url)
    this.#message = message
    this.#response = response
  }

  get hasLeft(): boolean {
    return this.#response.destroyed && !this.#response.writableEnded
  }

  onLeave(listener: () => void): void {
    this.#response.once('close', () => {
      if (!this.#response.writableEnded) listener()
    })
  }

  /** @throws `invalid_option` if a body parser has read it and kept nothing */
  get body(): AsyncIterable<Uint8Array> | undefined {
    const { rawBody, readable } = this.#message
    if (rawBody instanceof Uint8Array) return onePart(rawBody)
    const hasBody = this.header('transfer-encoding') !== undefined || Number(this.header('content-length') ?? 0) > 0
    if (!hasBody) return undefined
    if (readable !== false) return this.#message
    throw new FhirAuthError(
      'invalid_option',
      'A body parser has read the request before fhirProxy(). Mount fhirProxy() before it, or have it keep the bytes as rawBody (in Nest: NestFactory.create(…, { rawBody: true })), or send the content type application/fhir+json, which parsers leave alone.',
    )
  }
}

async function* onePart(part: Uint8Array): AsyncGenerator<Uint8Array> {
  yield part
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

/** Middleware for the FHIR proxy, as Express and Nest take it. */
export function nodeStreamMiddleware(
  handler: StreamedHandler,
): (request: NodeBodyRequest, response: NodeBodyResponse, next: Next) => void {
  return function fhirProxy(request, response, next) {
    const url = request.originalUrl ?? request.url ?? '/'
    if (!handler.handles(url)) {
      next()
      return
    }
    handler
      .answer(new NodeStreamedRequest(request, response, url), findingOn(request))
      .then((answer) => sendStreamOnNode(answer, response))
      .catch(next)
  }
}

/** Sends an answer of the FHIR proxy, each part when the one before has gone. */
export async function sendStreamOnNode(answer: StreamedAnswer, response: NodeBodyResponse): Promise<void> {
  if (answer.kind !== 'stream') {
    sendOnNode(answer, response)
    return
  }
  response.writeHead(answer.status, answer.headers)
  const { body = [] } = answer
  if (body instanceof Uint8Array) {
    response.end(body)
    return
  }
  try {
    for await (const part of body) {
      if (response.destroyed) return // leaving the loop ends the request to the server
      if (!response.write(part)) await writable(response)
    }
    response.end()
  } catch {
    // The headers are gone. Only a broken connection tells the browser that the body is not whole.
    response.destroy()
  }
}

/** Resolves when there is room again, or nobody reads any more. */
function writable(response: NodeBodyResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.once('drain', done)
    response.once('close', done)
  })
}
