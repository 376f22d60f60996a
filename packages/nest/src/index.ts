// Core's exports for apps come with the adapter, so that one import is enough.
export * from '@fhir-auth/core'
export { Fhir } from './fhir.decorator.ts'
export { FhirException } from './fhir.exception.ts'
export { FhirGuard } from './fhir.guard.ts'
export { FhirAuthModule } from './fhir-auth.module.ts'
export type { FhirAuthModuleExtras, FhirAuthModuleOptions } from './fhir-auth.module-definition.ts'
export { RequireFhir, RequireScopes } from './require-fhir.decorator.ts'
