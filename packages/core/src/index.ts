// `@fhir-auth/core`: what an app imports. Every adapter re-exports it, so that one import is enough.

// Log people in.

export type { LaunchHealth } from './launch/launch-health.ts'
export type { CompletedLogin, LaunchHooks, SessionOptions, SmartLaunchOptions } from './launch/options.ts'
export type { PathOptions } from './launch/paths.ts'
export { createSmartLaunch, SmartLaunch } from './launch/smart-launch.ts'
export { type CookieStore, cookieStore } from './session/cookie-store.ts'
export type { FhirRequirement } from './web/guard.ts'
export { withLaunchId } from './web/launch-id.ts'
export type { LogOption, ProblemLogger } from './web/problem-log.ts'
export type { PageOptions, ProblemPage } from './web/problem-page.ts'
export type { Situation, SituationText, VisitorTexts } from './web/visitor-texts.ts'

// Get tokens for the app itself.

export {
  type BackendHealth,
  BackendServices,
  type BackendTarget,
  createBackendServices,
} from './backend/backend-services.ts'
export type { BackendServicesOptions } from './backend/options.ts'
export type { SharedTokensOptions } from './backend/shared-tokens.ts'

// Health.

export type { LastOutcomes, ServerHealth, TokenHealth } from './health.ts'

// What a handler gets.

export type { FhirContext } from './fhir/fhir-context.ts'
export type { FhirUser, IdTokenClaims, LaunchContext } from './fhir/fhir-grant.ts'
export type { FhirJsonInit, FhirJsonLimits } from './fhir/fhir-json.ts'
export { FhirRequestError } from './fhir/fhir-request-error.ts'
export type { OperationOutcome, OperationOutcomeIssue } from './fhir/operation-outcome.ts'
export type { Scope } from './fhir/scope-grammar.ts'
export { ScopeSet } from './fhir/scope-set.ts'

// Client registration, client authentication and keys.

export {
  type ClientAuth,
  type ClientSecretBasicOptions,
  clientSecretBasic,
  clientSecretPost,
  privateKeyJwt,
  publicClient,
} from './client/client-auth.ts'
export { KeySet, type KeyStatus } from './client/keys/key-set.ts'
export type { KeyMoment, KeyState, KeyTimes } from './client/keys/key-times.ts'
export { type LoadKeyOptions, loadKeySet } from './client/keys/load-key-set.ts'
export type { PublicJwk } from './client/keys/public-jwk.ts'
export type { ExternalKey } from './client/keys/reading/external-key.ts'
export type { LeftAsideKey } from './client/keys/reading/sort-candidates.ts'
export type { SigningKey } from './client/keys/signing-key.ts'
export type { Registration } from './client/registration.ts'
export type { ManyRegistrations, OneRegistration, RegistrationResolver } from './client/registration-source.ts'
export type { StaticMetadata } from './client/static-metadata.ts'
export type { SigningAlgorithm } from './shared/signing-algorithm.ts'

// Differences of vendors.

export { type AthenahealthOptions, athenahealth } from './dialects/athenahealth.ts'
export { defineDialect } from './dialects/define-dialect.ts'
export type { Dialect, DialectOverrides } from './dialects/dialect.ts'
export { epic } from './dialects/epic.ts'
export { type IntelichartOptions, intelichart } from './dialects/intelichart.ts'
export { type MeditechOptions, meditech } from './dialects/meditech.ts'
export { oracleHealth } from './dialects/oracle-health.ts'
export { smart } from './dialects/smart.ts'

// FHIR for pages.

export type { AllowRule } from './proxy/allow-list.ts'
export { createFhirProxy, FhirProxy } from './proxy/fhir-proxy.ts'
export type { Interaction } from './proxy/interaction.ts'
export type { FhirProxyOptions } from './proxy/options.ts'
export type { SessionInfo } from './proxy/session-info.ts'

// Where sessions and shared tokens are kept.

export { type MemoryStoreOptions, memoryStore } from './store/memory-store.ts'
export type { Store } from './store/store.ts'

// Errors and events.

export { errorCodes, FhirAuthError, type FhirAuthErrorCode, type Problem } from './errors.ts'
export type { EventListener, FhirAuthEvent } from './events.ts'
