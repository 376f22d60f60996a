import { createFhirProxy, FhirProxy, type FhirProxyOptions } from '@fhir-auth/core'
import type { StreamedAnswer, StreamedRequest } from '@fhir-auth/core/adapter'
import type { Context, MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { StatusCode } from 'hono/utils/http-status'
import { findingOf, HonoRequest } from './middleware.ts'

/**
 * Lets pages of the app read and write FHIR below a path, with the token of their session, which they never see. Mount it after
 * `smartLaunch()`.
 *
 * @param options - or an instance made by `createFhirProxy`
 * @throws `invalid_option` for wrong options
 */
export function fhirProxy(options: FhirProxyOptions | FhirProxy): MiddlewareHandler {
  const proxy = options instanceof FhirProxy ? options : createFhirProxy(options)
  return createMiddleware(async function fhirProxy(c, next) {
    const request = new HonoStreamedRequest(c)
    if (!proxy.handles(request.url)) return next()
    return respond(await proxy.answer(request, findingOf(c)), c)
  })
}

class HonoStreamedRequest extends HonoRequest implements StreamedRequest {
  readonly #raw: Request

  constructor(c: Context) {
    super(c)
    this.#raw = c.req.raw
  }

  get body(): AsyncIterable<Uint8Array> | undefined {
    const { body } = this.#raw
    return body === null ? undefined : partsOf(body)
  }

  get hasLeft(): boolean {
    return this.#raw.signal.aborted
  }

  onLeave(listener: () => void): void {
    this.#raw.signal.addEventListener('abort', listener, { once: true })
  }
}

/** Not every runtime lets a web stream be iterated. */
async function* partsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value
  } finally {
    await reader.cancel().catch(() => {})
  }
}

function respond(answer: StreamedAnswer, c: Context): Response {
  const headers = new Headers(answer.headers)
  for (const cookie of answer.cookies) headers.append('set-cookie', cookie)
  const { status, body = '' } = answer
  // Null, because an empty string would get a content type.
  const content = typeof body === 'string' ? body || null : body instanceof Uint8Array ? body : streamOf(body)
  return c.newResponse(content, { status: status as StatusCode, headers }) // of the FHIR server, or of core
}

/** Asks for a part when the one before has gone. */
function streamOf(parts: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = parts[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await iterator.return?.()
    },
  })
}
