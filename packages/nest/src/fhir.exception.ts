import type { ServerResponse } from 'node:http'
import { type Answer, sendHeadOnNode } from '@fhir-auth/core/adapter'
import { HttpException } from '@nestjs/common'

/**
 * Thrown by `FhirGuard` if a request may not pass. It has a problem (RFC 9457) as its body and the `FhirAuthError` as its
 * cause, or is a redirect to the login. All headers except those of the body are already set, so a filter may write a body
 * of its own.
 */
export class FhirException extends HttpException {
  /** The answer that this library would send. */
  readonly answer: Answer

  constructor(answer: Answer) {
    const error = answer.kind === 'problem' ? answer.error : undefined
    super(error?.toProblem() ?? {}, answer.status, { cause: error })
    this.message = error?.message ?? 'Nobody is logged in: redirected to login.'
    this.answer = answer
  }
}

/** Makes an exception of an answer, and sets its headers and cookies, whichever filter will write the body. */
export function throwable(answer: Answer, response: ServerResponse): FhirException {
  sendHeadOnNode(answer, response)
  return new FhirException(answer)
}
