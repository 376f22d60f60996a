import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common'
import type { HttpAdapterHost } from '@nestjs/core'
import { FhirException } from './fhir.exception.ts'

/** Answers as core says: Nest's own filter would show a person JSON. */
@Catch(FhirException)
export class FhirExceptionFilter implements ExceptionFilter<FhirException> {
  readonly #host: HttpAdapterHost

  constructor(host: HttpAdapterHost) {
    this.#host = host
  }

  catch({ answer }: FhirException, context: ArgumentsHost): void {
    const { httpAdapter } = this.#host
    const response: unknown = context.switchToHttp().getResponse()
    for (const [name, value] of Object.entries(answer.headers)) httpAdapter.setHeader(response, name, value)
    httpAdapter.reply(response, answer.body, answer.status)
  }
}
