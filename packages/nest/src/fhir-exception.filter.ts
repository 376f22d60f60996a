import type { ServerResponse } from 'node:http'
import { FhirAuthError } from '@fhir-auth/core'
import { type Answer, failureAnswer, findingOn, nodeRequestOf, sendOnNode } from '@fhir-auth/core/adapter'
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common'
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core'
import { FhirException } from './fhir.exception.ts'
import { httpPairOf } from './fhir-request.ts'

/** Sends core's answers. Nest's own filter would show JSON to a person, and answer an error of `fhir.fetch` with 500. */
@Catch(FhirException, FhirAuthError)
export class FhirExceptionFilter implements ExceptionFilter<FhirException | FhirAuthError> {
  readonly #host: HttpAdapterHost

  constructor(host: HttpAdapterHost) {
    this.#host = host
  }

  catch(exception: FhirException | FhirAuthError, context: ArgumentsHost): void {
    // For example in a GraphQL resolver: its own framework answers.
    if (context.getType() !== 'http') throw exception
    const { httpAdapter } = this.#host
    const response: unknown = context.switchToHttp().getResponse()
    const answer = exception instanceof FhirException ? exception.answer : answerTo(exception, context)
    if (!answer || httpAdapter.isHeadersSent(response)) {
      new BaseExceptionFilter(httpAdapter).catch(exception, context)
      return
    }
    sendBody(answer, response as ServerResponse | FastifyReply) // the two platforms of Nest
  }
}

interface FastifyReply {
  readonly raw: ServerResponse
  code(status: number): FastifyReply
  headers(values: Readonly<Record<string, string>>): FastifyReply
  send(body: Uint8Array | undefined): unknown
}

/** Does not use Nest's `reply`, which adds a charset to the content type. The cookies are set already. */
function sendBody(answer: Answer, response: ServerResponse | FastifyReply): void {
  if ('raw' in response) {
    const body = answer.body === '' ? undefined : Buffer.from(answer.body)
    response.code(answer.status).headers(answer.headers).send(body)
  } else {
    sendOnNode({ ...answer, cookies: [] }, response)
  }
}

/** If a token is lost during a handler, the answer is the same as for one that was missing from the start. */
function answerTo(error: FhirAuthError, context: ArgumentsHost): Answer | undefined {
  const { request } = httpPairOf(context)
  return failureAnswer(error, findingOn(request), nodeRequestOf(request))
}
