import { createFhirGuard, findingOn, GUARDED_CACHE_CONTROL, nodeRequestOf } from '@fhir-auth/core/adapter'
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common'
import { throwable } from './fhir.exception.ts'
import { httpPairOf } from './fhir-request.ts'
import { requirementsOf } from './fhir-requirements.ts'

const anyPerson = createFhirGuard()

/**
 * Lets a request pass only with a context that meets `@RequireScopes()` and `@RequireFhir()` of its method and class.
 * Otherwise it throws a {@link FhirException}: a redirect to the login for a person, 401 or 403 for a program.
 */
@Injectable()
export class FhirGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { request, response } = httpPairOf(context)
    const asked = nodeRequestOf(request)
    const required = requirementsOf(context)
    for (const guard of required.length > 0 ? required : [anyPerson]) {
      const refusal = guard(findingOn(request), asked)
      if (refusal) throw throwable(refusal, response)
    }
    if (!response.hasHeader('cache-control')) response.setHeader('cache-control', GUARDED_CACHE_CONTROL)
    return true
  }
}
