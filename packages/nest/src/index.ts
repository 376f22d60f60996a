// One import line serves an app: what it writes of core comes with the adapter.
export * from '@fhir-auth/core'
export { Fhir } from './fhir.decorator.ts'
export { FhirException } from './fhir.exception.ts'
export { FhirGuard } from './fhir.guard.ts'
export { FhirAuthModule } from './fhir-auth.module.ts'
export type { FhirAuthModuleExtras, FhirAuthModuleOptions } from './fhir-auth.module-definition.ts'
export { RequireFhir, RequireScopes } from './require-fhir.decorator.ts'
