import type { FhirUser, IdTokenClaims, LaunchContext } from '../fhir/fhir-grant.ts'

/** One launch of a browser session: its tokens and what they stand for. Plain data, never changed, only replaced. */
export interface LaunchRecord {
  readonly launchId: string
  readonly fhirBaseUrl: string
  readonly clientId: string
  readonly tokenEndpoint: string
  readonly issuer: string | undefined
  readonly accessToken: string
  readonly refreshToken: string | undefined
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly lifetimeSeconds: number
  readonly scope: string
  readonly patient: string | undefined
  readonly encounter: string | undefined
  readonly fhirUser: FhirUser | undefined
  readonly idToken: IdTokenClaims | undefined
  /** The id_token as it came, kept only for a logout at the server. */
  readonly idTokenHint: string | undefined
  readonly launch: LaunchContext
}

/** What one session cookie stands for. */
export interface SessionRecord {
  readonly launches: readonly LaunchRecord[]
  /** When it ends unless it is used, in milliseconds since the epoch. */
  readonly expiresAt: number
  /** When it ends however much it is used. */
  readonly endsAt: number
}
