// One import line serves an app: what it writes of core comes with the adapter.
export * from '@fhir-auth/core'
export { backendServices, fhirOf, type ProblemHandling, requireFhir, smartLaunch } from './middleware.ts'
