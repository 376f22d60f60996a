// Level 3, HTTP: the two handlers, the guard, and the seam that an adapter implements.

export { BackendServices, type BackendTarget, createBackendServices } from './backend/backend-services.ts'
export type { BackendServicesOptions } from './backend/options.ts'
export type { SharedTokensOptions } from './backend/shared-tokens.ts'
export type { EventListener, FhirAuthEvent } from './events.ts'
export type { FhirContext } from './fhir/fhir-context.ts'
export type { FhirUser, IdTokenClaims, LaunchContext } from './fhir/fhir-grant.ts'
export type { LaunchHooks, PathOptions, SessionOptions, SmartLaunchOptions } from './launch/options.ts'
export { createSmartLaunch, SmartLaunch } from './launch/smart-launch.ts'
export { type CookieStore, cookieStore } from './session/cookie-store.ts'
export { type MemoryStoreOptions, memoryStore } from './store/memory-store.ts'
export type { Store } from './store/store.ts'
export {
  type AdapterRequest,
  type Answer,
  type FhirHandler,
  findContext,
  type MissingContext,
} from './web/adapter-contract.ts'
export { createFhirGuard, type FhirGuard, type FhirRequirement } from './web/guard.ts'
export { withLaunchId } from './web/launch-id.ts'

// What options are made of: who we are, how we prove it, what a vendor does otherwise.

export type { Client } from './client/client.ts'
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
export type { RegistrationResolver } from './client/client-directory.ts'
export type { ExternalKey } from './client/external-key.ts'
export { KeySet, type KeyStatus } from './client/key-set.ts'
export type { KeyState, KeyTimes } from './client/key-times.ts'
export { type LoadKeyOptions, loadKeySet } from './client/load-key-set.ts'
export type { Registration, StaticMetadata } from './client/registration.ts'
export type { PublicJwk, SigningKey } from './client/signing-key.ts'
export { type AthenahealthOptions, athenahealth } from './dialects/athenahealth.ts'
export { type Dialect, type DialectOverrides, defineDialect } from './dialects/dialect.ts'
export { epic } from './dialects/epic.ts'
export { type IntelichartOptions, intelichart } from './dialects/intelichart.ts'
export { type MeditechOptions, meditech } from './dialects/meditech.ts'
export { oracleHealth } from './dialects/oracle-health.ts'
export { smart } from './dialects/smart.ts'
export { errorCodes, FhirAuthError, type FhirAuthErrorCode, type Problem } from './errors.ts'
export { parseScope, type Scope } from './fhir/scope-grammar.ts'
export { ScopeSet } from './fhir/scope-set.ts'
export {
  type ActiveToken,
  type IntrospectionOptions,
  introspectToken,
  type TokenIntrospection,
} from './oauth/introspection.ts'
export type { SigningAlgorithm } from './shared/signing-algorithm.ts'

// Level 1, protocol: stateless functions, for a flow of one's own.

export type { LaunchClient } from './client/client.ts'
export { type AssertionTarget, signClientAssertion } from './client/client-assertion.ts'
export { checkRegistration } from './client/registration.ts'
export { endpointsOfCapabilityStatement } from './discovery/capability-statement.ts'
export {
  type Discovered,
  type DiscoveryTarget,
  discover,
  type Examination,
  examineServer,
  type NeededMember,
} from './discovery/discover.ts'
export { readMembers, requireEndpoint, type ServerMetadata } from './discovery/server-metadata.ts'
export type { SourceAnswer, SourceName } from './discovery/sources.ts'
export { maxAgeSeconds } from './http/cache-headers.ts'
export { jsonObject } from './http/json-body.ts'
export { networkOf } from './http/network.ts'
export { checkSecureUrl, shownUrl } from './http/secure-url.ts'
export { type HttpAnswer, type HttpOptions, type HttpRequest, sendBounded } from './http/send-bounded.ts'
export {
  type AuthorizationChecks,
  type AuthorizationRequest,
  createAuthorizationRequest,
} from './oauth/authorization-request.ts'
export { checkAuthorizationResponse, stateOfResponse } from './oauth/authorization-response.ts'
export { clientCredentialsGrant, exchangeCode, type RefreshRequest, refreshGrant } from './oauth/grants.ts'
export { fhirUserOf, type IdTokenExpectations, verifyIdToken } from './oauth/id-token.ts'
export { IssuerKeys } from './oauth/issuer-keys.ts'
export { readLaunchContext } from './oauth/launch-context.ts'
export { withoutSecrets } from './oauth/oauth-error.ts'
export { revokeToken } from './oauth/revocation.ts'
export type { AuthorizationServer, BackChannel } from './oauth/token-request.ts'
export type { TokenResponse } from './oauth/token-response.ts'
export { shownText } from './shared/shown-text.ts'
