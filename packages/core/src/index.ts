export {
  type AdapterRequest,
  type Answer,
  belongsToPerson,
  type FhirHandler,
  type MissingContext,
} from './adapter-contract.ts'
export { BackendServices, type BackendTarget, createBackendServices } from './backend/backend-services.ts'
export type { BackendServicesOptions } from './backend/backend-services-options.ts'
export {
  type ClientAuth,
  type ClientAuthContext,
  type ClientRequestDraft,
  type ClientSecretBasicOptions,
  clientSecretBasic,
  clientSecretPost,
  privateKeyJwt,
  publicClient,
} from './client/client-auth.ts'
export type { SigningAlgorithm } from './client/key-checks.ts'
export { KeySet, type LoadKeyOptions, loadKeySet, type PublicJwk, type SigningKey } from './client/keys.ts'
export type { Registration, RegistrationResolver, StaticMetadata } from './client/registration.ts'
export { type Dialect, type DialectOverrides, defineDialect } from './dialects/dialect.ts'
export { type IntelichartOptions, intelichart } from './dialects/intelichart.ts'
export { smart } from './dialects/smart.ts'
export { errorCodes, FhirAuthError, type FhirAuthErrorCode, type Problem } from './errors.ts'
export type { FhirContext, FhirUser, IdTokenClaims, LaunchContext } from './fhir-context.ts'
export { createFhirGuard, type FhirGuard, type FhirRequirement } from './guard.ts'
export { createSmartLaunch, SmartLaunch } from './launch/smart-launch.ts'
export type { PathOptions, SessionOptions, SmartLaunchOptions } from './launch/smart-launch-options.ts'
export { type MemoryStoreOptions, memoryStore } from './launch/stores/memory-store.ts'
export type { SessionStore } from './launch/stores/session-store.ts'
export { parseScope, type Scope, ScopeSet } from './scopes.ts'
