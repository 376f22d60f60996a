// `@fhir-auth/core/protocol`: stateless functions, for a flow of your own.

// The client of a flow.

export type { Client, LaunchClient } from './client/client.ts'
export { type SignedAssertion, signClientAssertion } from './client/client-assertion.ts'
export type { ClientRequestDraft } from './client/client-auth.ts'
export type { ClientAuthContext } from './client/client-auth-context.ts'
export { checkRegistration, type RegistrationUse } from './client/registration.ts'

// Discovery.

export {
  type Discovered,
  type DiscoveryTarget,
  discover,
  type Examination,
  examineServer,
  type NeededMember,
} from './discovery/discover.ts'
export { requireEndpoint, type ServerMetadata } from './discovery/server-metadata.ts'
export type { SourceAnswer, SourceName } from './discovery/sources.ts'
export type { HttpOptions } from './http/send-bounded.ts'

// The authorization endpoint.

export {
  type AuthorizationChecks,
  type AuthorizationRequest,
  createAuthorizationRequest,
} from './oauth/authorization-request.ts'
export { checkAuthorizationResponse, stateOfResponse } from './oauth/authorization-response.ts'

// The token endpoint.

export { parseScope } from './fhir/scope-grammar.ts'
export { fhirUserOf } from './oauth/fhir-user.ts'
export { clientCredentialsGrant, exchangeCode, type RefreshRequest, refreshGrant } from './oauth/grants.ts'
export { type IdTokenSources, verifyIdToken } from './oauth/id-token.ts'
export type { IdTokenExpectations } from './oauth/id-token-claims.ts'
export {
  type ActiveToken,
  type IntrospectionOptions,
  introspectToken,
  type TokenIntrospection,
} from './oauth/introspection.ts'
export { IssuerKeys } from './oauth/issuer-keys.ts'
export { readLaunchContext } from './oauth/launch-context.ts'
export { type RevocationRequest, revokeToken } from './oauth/revocation.ts'
export type { AuthorizationServer, BackChannel, ServerAccess } from './oauth/token-request.ts'
export type { TokenResponse } from './oauth/token-response.ts'
