// Core's exports for apps come with the adapter, so that one import is enough.
export * from '@fhir-auth/core'
export {
  type BackendServicesPluginOptions,
  backendServices,
  fhirOf,
  type ProblemHandling,
  requireFhir,
  type SmartLaunchPluginOptions,
  smartLaunch,
} from './plugins.ts'
