import type { AssertionRules, GrantType } from '../dialects/dialect.ts'

/** The request for which a client authenticates. */
export interface ClientAuthContext {
  readonly clientId: string
  readonly fhirBaseUrl: string
  readonly tokenEndpoint: string
  readonly issuer: string | undefined
  readonly grantType: GrantType
  /** `token_endpoint_auth_signing_alg_values_supported`, if the server publishes it. */
  readonly acceptedAlgorithms: readonly string[] | undefined
  /** The dialect's rules for assertions. */
  readonly assertion: AssertionRules
  /** The current time in milliseconds since the epoch. */
  readonly now: number
  /** How long a signer may take. */
  readonly timeoutSeconds: number
}
