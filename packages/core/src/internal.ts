// `@fhir-auth/core/internal`: only for the packages of this workspace. Outside semver: any release may change it.

export {
  algorithmsOf,
  DEFAULT_JWKS_MAX_AGE_SECONDS,
  MIN_RSA_BITS,
  PRIVATE_MEMBERS,
  PUBLIC_MEMBERS,
  RETIRED_KEY_SECONDS,
  rsaBits,
} from './client/keys/key-rules.ts'
export { endpointsOfCapabilityStatement } from './discovery/capability-statement.ts'
export { readMembers } from './discovery/server-metadata.ts'
export { jsonObject } from './http/json-body.ts'
export { networkOf } from './http/network.ts'
export { checkSecureUrl, shownUrl } from './http/secure-url.ts'
export { type HttpAnswer, type HttpRequest, sendBounded } from './http/send-bounded.ts'
export { maxAgeSeconds } from './http/time-headers.ts'
export { checkRedirectUri } from './launch/redirect-uris.ts'
export { ALGORITHMS as ID_TOKEN_ALGORITHMS } from './oauth/id-token-signature.ts'
export { oauthErrorOf, oauthReason } from './oauth/oauth-error.ts'
export { withoutSecrets } from './oauth/without-secrets.ts'
export { shownText } from './shared/shown-text.ts'
