import { FhirAuthError, type FhirAuthErrorCode } from '@fhir-auth/nest'
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import { problemPage } from './pages.ts'

/** Whatever keeps a chart closed, as a page of this app: what the guard refuses, and what a FHIR request comes upon. */
@Catch(HttpException, FhirAuthError)
export class ProblemFilter implements ExceptionFilter<HttpException | FhirAuthError> {
  readonly #host: HttpAdapterHost

  constructor(@Inject(HttpAdapterHost) host: HttpAdapterHost) {
    this.#host = host
  }

  catch(exception: HttpException | FhirAuthError, context: ArgumentsHost): void {
    const status = exception instanceof HttpException ? exception.getStatus() : exception.status
    // The guard's exception has the error as its cause.
    const problem = exception instanceof HttpException ? exception.cause : exception
    const message = (problem instanceof FhirAuthError && FOR_CLINICIANS[problem.code]) || exception.message
    const { httpAdapter } = this.#host
    const response: unknown = context.switchToHttp().getResponse()
    httpAdapter.setHeader(response, 'content-type', 'text/html; charset=utf-8')
    httpAdapter.setHeader(response, 'cache-control', 'no-store')
    httpAdapter.reply(response, problemPage(message), status)
  }
}

const FOR_CLINICIANS: Partial<Record<FhirAuthErrorCode, string>> = {
  login_required: 'No patient is open. Open this app from the EHR.',
  session_ended: 'Your time in this app is over. Open it again from the EHR.',
  ambiguous_launch: 'Several patients are open. Go to the tab of the one you mean, or open the app again from the EHR.',
}
