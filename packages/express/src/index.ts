// Core's exports for apps come with the adapter, so that one import is enough.
export * from '@fhir-auth/core'
export { backendServices, fhirOf, type ProblemHandling, requireFhir, smartLaunch } from './middleware.ts'
