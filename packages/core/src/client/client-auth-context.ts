import type { AssertionRules, GrantType } from '../dialects/dialect.ts'

/** What a client proves itself for: one request to one authorization server. */
export interface ClientAuthContext {
  readonly clientId: string
  readonly fhirBaseUrl: string
  readonly tokenEndpoint: string
  readonly issuer: string | undefined
  readonly grantType: GrantType
  /** `token_endpoint_auth_signing_alg_values_supported`, where the server publishes it. */
  readonly acceptedAlgorithms: readonly string[] | undefined
  /** What the server's dialect wants in an assertion. */
  readonly assertion: AssertionRules
  /** The present, in milliseconds since the epoch. */
  readonly now: number
  /** How long a signer may take. */
  readonly timeoutSeconds: number
}
