import type { FhirGuard } from '@fhir-auth/core/adapter'
import type { ExecutionContext } from '@nestjs/common'
import { Reflector } from '@nestjs/core'

/** Metadata key: the guards of core that the decorators of one class or method made. */
export const REQUIREMENTS = 'fhir-auth:requirements'

/** A controller, or a method of one. */
export type Guarded = Parameters<Reflector['get']>[1]

const reflector = new Reflector()

/** What is required at one place; of a class, its base classes' requirements too. */
export function requirementsAt(place: Guarded): readonly FhirGuard[] {
  return reflector.get<readonly FhirGuard[] | undefined>(REQUIREMENTS, place) ?? []
}

/** What is required of a handler: all that its class and its method say. */
export function requirementsOf(context: ExecutionContext): readonly FhirGuard[] {
  return [...requirementsAt(context.getClass()), ...requirementsAt(context.getHandler())]
}
