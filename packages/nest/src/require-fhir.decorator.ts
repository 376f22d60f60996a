import type { FhirRequirement } from '@fhir-auth/core'
import { createFhirGuard } from '@fhir-auth/core/adapter'
import { applyDecorators, SetMetadata, UseGuards } from '@nestjs/common'
import { FhirGuard } from './fhir.guard.ts'
import { type Guarded, REQUIREMENTS, requirementsAt } from './fhir-requirements.ts'

/**
 * Guards a handler, or each handler of a controller: with `FhirGuard`, and with what it requires of the token. Several
 * decorators add up.
 *
 * @throws `invalid_option` for an unknown option or something that is no scope
 */
export function RequireFhir(requirement: FhirRequirement = {}): MethodDecorator & ClassDecorator {
  const guard = createFhirGuard(requirement)
  return function requireFhir(target: object, key?: string | symbol, method?: { value?: unknown }): void {
    const earlier = requirementsAt((method?.value ?? target) as Guarded)
    // A requirement that nobody checks would be an open door, so the guard comes with it; once is enough.
    const checked = earlier.length === 0 ? [UseGuards(FhirGuard)] : []
    const decorate = applyDecorators(SetMetadata(REQUIREMENTS, [...earlier, guard]), ...checked)
    decorate(target, key, method as TypedPropertyDescriptor<unknown>)
  }
}

/** `@RequireFhir({ scope })`, for scopes alone: all of them must have been granted. */
export function RequireScopes(...scopes: [string, ...string[]]): MethodDecorator & ClassDecorator {
  return RequireFhir({ scope: scopes })
}
