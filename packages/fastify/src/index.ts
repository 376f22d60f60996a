// Core's exports for apps come with the adapter, so that one import is enough.
export * from '@fhir-auth/core'
export { type FhirProxyPluginOptions, fhirProxy } from './fhir-proxy.ts'
export {
  type BackendServicesPluginOptions,
  backendServices,
  fhirErrors,
  fhirOf,
  type ProblemHandling,
  requireFhir,
  type SmartLaunchPluginOptions,
  smartLaunch,
} from './plugins.ts'
