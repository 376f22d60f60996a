import { FhirAuthError, type FhirAuthErrorCode, FhirException } from '@fhir-auth/nest'
import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import { problemPage } from './pages.ts'

/** Whatever keeps a chart closed, as a page of this app: from the guard, or from a FHIR request after a session's end. */
@Catch(FhirException, FhirAuthError)
export class ProblemFilter implements ExceptionFilter<FhirException | FhirAuthError> {
  readonly #host: HttpAdapterHost

  constructor(@Inject(HttpAdapterHost) host: HttpAdapterHost) {
    this.#host = host
  }

  catch(exception: FhirException | FhirAuthError, context: ArgumentsHost): void {
    const problem = exception instanceof FhirException ? exception.cause : exception
    if (!(problem instanceof FhirAuthError)) throw exception
    const { httpAdapter } = this.#host
    const response: unknown = context.switchToHttp().getResponse()
    httpAdapter.setHeader(response, 'content-type', 'text/html; charset=utf-8')
    httpAdapter.setHeader(response, 'cache-control', 'no-store')
    httpAdapter.reply(response, problemPage(FOR_CLINICIANS[problem.code] ?? problem.message), problem.status)
  }
}

const FOR_CLINICIANS: Partial<Record<FhirAuthErrorCode, string>> = {
  login_required: 'No patient is open. Open this app from the EHR.',
  session_ended: 'Your time in this app is over. Open it again from the EHR.',
  ambiguous_launch: 'Several patients are open. Go to the tab of the one you mean, or open the app again from the EHR.',
}
