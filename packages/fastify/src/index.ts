// One import line serves an app: what it writes of core comes with the adapter.
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
