// Core's exports for apps come with the adapter, so that one import is enough.
export * from '@fhir-auth/core'
export { fhirProxy } from './fhir-proxy.ts'
export { backendServices, fhirErrors, fhirOf, type ProblemHandling, requireFhir, smartLaunch } from './middleware.ts'
