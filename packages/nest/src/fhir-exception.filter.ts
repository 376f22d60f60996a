import type { ServerResponse } from 'node:http'
import { FhirAuthError } from '@fhir-auth/core'
import { type Answer, failureAnswer, findingOn, sendOnNode } from '@fhir-auth/core/adapter'
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common'
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core'
import { FhirException } from './fhir.exception.ts'
import { coreRequestOf, httpPairOf } from './fhir-request.ts'

/** Answers as core says: Nest's own filter would show a person JSON, and take an error of `fhir.fetch` for a fault. */
@Catch(FhirException, FhirAuthError)
export class FhirExceptionFilter implements ExceptionFilter<FhirException | FhirAuthError> {
  readonly #host: HttpAdapterHost

  constructor(host: HttpAdapterHost) {
    this.#host = host
  }

  catch(exception: FhirException | FhirAuthError, context: ArgumentsHost): void {
    // Such as a GraphQL resolver: whoever called it answers.
    if (context.getType() !== 'http') throw exception
    const { httpAdapter } = this.#host
    const response: unknown = context.switchToHttp().getResponse()
    const answer = exception instanceof FhirException ? exception.answer : answerTo(exception, context)
    if (!answer || httpAdapter.isHeadersSent(response)) {
      new BaseExceptionFilter(httpAdapter).catch(exception, context)
      return
    }
    sendBody(answer, response as ServerResponse | FastifyReply) // of one of the two platforms
  }
}

interface FastifyReply {
  readonly raw: ServerResponse
  code(status: number): FastifyReply
  headers(values: Readonly<Record<string, string>>): FastifyReply
  send(body: Uint8Array | undefined): unknown
}

/** To the letter: what Nest has for both platforms adds a charset to the type of a text. Cookies are set already. */
function sendBody(answer: Answer, response: ServerResponse | FastifyReply): void {
  if ('raw' in response) {
    const body = answer.body === '' ? undefined : Buffer.from(answer.body)
    response.code(answer.status).headers(answer.headers).send(body)
  } else {
    sendOnNode({ ...answer, cookies: [] }, response)
  }
}

/** A token that is lost half-way is answered like one that was missing from the start. */
function answerTo(error: FhirAuthError, context: ArgumentsHost): Answer | undefined {
  // A mistake of the app, such as a URL of another server: Nest logs it, and answers without its words.
  if (error.status === 500) return undefined
  const { request } = httpPairOf(context)
  return failureAnswer(error, findingOn(request), coreRequestOf(request))
}
