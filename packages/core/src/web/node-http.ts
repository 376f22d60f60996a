import { type AdapterRequest, type Answer, headersBesideBody } from './adapter-contract.ts'

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
