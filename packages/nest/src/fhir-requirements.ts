import type { FhirGuard } from '@fhir-auth/core/adapter'
import type { ExecutionContext } from '@nestjs/common'
import { Reflector } from '@nestjs/core'

/** Metadata key for the guards that the decorators of a class or method have made. */
export const REQUIREMENTS = 'fhir-auth:requirements'

/** A controller, or one of its methods. */
export type Guarded = Parameters<Reflector['get']>[1]

const reflector = new Reflector()

/** The requirements of a class or method. A class inherits those of its base classes. */
export function requirementsAt(place: Guarded): readonly FhirGuard[] {
  return reflector.get<readonly FhirGuard[] | undefined>(REQUIREMENTS, place) ?? []
}

/** All requirements of a handler: those of its class and of its method. */
export function requirementsOf(context: ExecutionContext): readonly FhirGuard[] {
  return [...requirementsAt(context.getClass()), ...requirementsAt(context.getHandler())]
}
