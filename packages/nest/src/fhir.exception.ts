import type { ServerResponse } from 'node:http'
import { type Answer, sendHeadOnNode } from '@fhir-auth/core/adapter'
import { HttpException } from '@nestjs/common'

/**
 * What `FhirGuard` throws instead of letting a request pass: a problem (RFC 9457) as the body and the `FhirAuthError`
 * as the cause, or a redirect to login. A filter that answers it otherwise finds all headers but those of the body
 * already set.
 */
export class FhirException extends HttpException {
  /** The answer that this library would give. */
  readonly answer: Answer

  constructor(answer: Answer) {
    const error = answer.kind === 'problem' ? answer.error : undefined
    super(error?.toProblem() ?? {}, answer.status, { cause: error })
    this.message = error?.message ?? 'Nobody is logged in: redirected to login.'
    this.answer = answer
  }
}

/** An answer on its way through Nest's filters. What is not about the body holds whichever of them answers. */
export function throwable(answer: Answer, response: ServerResponse): FhirException {
  sendHeadOnNode(answer, response)
  return new FhirException(answer)
}
