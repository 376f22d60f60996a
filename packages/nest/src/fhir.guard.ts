import { createFhirGuard } from '@fhir-auth/core/adapter'
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common'
import { throwable } from './fhir.exception.ts'
import { httpPairOf, MISSING, NodeRequest } from './fhir-request.ts'
import { requirementsOf } from './fhir-requirements.ts'

const anyContext = createFhirGuard()

/**
 * Lets a request pass only with a context, and with what `@RequireScopes()` and `@RequireFhir()` on its method and class
 * ask of it. Otherwise it throws {@link FhirException}: login for a person, 401 or 403 for a program.
 */
@Injectable()
export class FhirGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { request, response } = httpPairOf(context)
    const asked = new NodeRequest(request)
    for (const guard of [anyContext, ...requirementsOf(context)]) {
      const refusal = guard(request.fhir, request[MISSING], asked)
      if (refusal) throw throwable(refusal, response)
    }
    return true
  }
}
