import { FhirAuthError } from '@fhir-auth/core'
import { type Answer, createFhirGuard, type FhirHandler } from '@fhir-auth/core/adapter'
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common'
import { BaseExceptionFilter, type HttpAdapterHost } from '@nestjs/core'
import { FhirException } from './fhir.exception.ts'
import { httpPairOf, NodeRequest } from './fhir-request.ts'

const guard = createFhirGuard()

/** Answers as core says: Nest's own filter would show a person JSON, and take an error of `fhir.fetch` for a fault. */
@Catch(FhirException, FhirAuthError)
export class FhirExceptionFilter implements ExceptionFilter<FhirException | FhirAuthError> {
  readonly #host: HttpAdapterHost
  readonly #handler: FhirHandler

  /** @param handler - the one whose token a handler of the app was given */
  constructor(host: HttpAdapterHost, handler: FhirHandler) {
    this.#host = host
    this.#handler = handler
  }

  catch(exception: FhirException | FhirAuthError, context: ArgumentsHost): void {
    // Such as a GraphQL resolver: whoever called it answers.
    if (context.getType() !== 'http') throw exception
    const { httpAdapter } = this.#host
    const response: unknown = context.switchToHttp().getResponse()
    const answer = exception instanceof FhirException ? exception.answer : this.#answerTo(exception, context)
    if (!answer || httpAdapter.isHeadersSent(response)) {
      new BaseExceptionFilter(httpAdapter).catch(exception, context)
      return
    }
    for (const [name, value] of Object.entries(answer.headers)) httpAdapter.setHeader(response, name, value)
    httpAdapter.reply(response, answer.body, answer.status)
  }

  /** A token that is lost half-way is answered like one that was missing from the start. */
  #answerTo(failure: FhirAuthError, context: ArgumentsHost): Answer | undefined {
    // A mistake of the app, such as a URL of another server: Nest logs it, and answers without its words.
    if (failure.status === 500) return undefined
    return guard(undefined, { handler: this.#handler, failure }, new NodeRequest(httpPairOf(context).request))
  }
}
