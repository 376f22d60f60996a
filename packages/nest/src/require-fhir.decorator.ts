import type { FhirRequirement } from '@fhir-auth/core'
import { createFhirGuard } from '@fhir-auth/core/adapter'
import { applyDecorators, SetMetadata, UseGuards } from '@nestjs/common'
import { FhirGuard } from './fhir.guard.ts'
import { type Guarded, REQUIREMENTS, requirementsAt } from './fhir-requirements.ts'

/**
 * Guards a handler, or each handler of a controller, with `FhirGuard` and this requirement. If there are several decorators,
 * all of them apply.
 *
 * @throws `invalid_option` for an unknown option or a malformed scope
 */
export function RequireFhir(requirement: FhirRequirement = {}): MethodDecorator & ClassDecorator {
  const guard = createFhirGuard(requirement)
  return function requireFhir(target: object, key?: string | symbol, method?: { value?: unknown }): void {
    const earlier = requirementsAt((method?.value ?? target) as Guarded)
    // Without the guard, nobody would check the requirement. It is added only once.
    const checked = earlier.length === 0 ? [UseGuards(FhirGuard)] : []
    const decorate = applyDecorators(SetMetadata(REQUIREMENTS, [...earlier, guard]), ...checked)
    decorate(target, key, method as TypedPropertyDescriptor<unknown>)
  }
}

/** The same as `@RequireFhir({ scope })`: all of these scopes must have been granted. */
export function RequireScopes(...scopes: [string, ...string[]]): MethodDecorator & ClassDecorator {
  return RequireFhir({ scope: scopes })
}
