import type { ScopeSet } from './scope-set.ts'

/** The person behind the token: `fhirUser` of the id_token (SMART App Launch 2.2 "Scopes for requesting identity data"). */
export interface FhirUser {
  readonly type: string
  readonly id: string
  /** An absolute URL. It may be on another server, which must not get this token. */
  readonly url: string
}

/** Another resource of the launch (SMART App Launch 2.2 "fhirContext", experimental). */
export interface FhirContextItem {
  readonly reference?: string
  readonly canonical?: string
  readonly identifier?: unknown
  readonly type?: string
  /** Default `launch`. */
  readonly role: string
}

/** SMART's launch context under its wire names, and all other members of the token response except secrets. */
export interface LaunchContext {
  readonly need_patient_banner?: boolean
  readonly intent?: string
  readonly smart_style_url?: string
  readonly tenant?: string
  readonly fhirContext?: readonly FhirContextItem[]
  readonly [member: string]: unknown
}

/** Verified claims of the id_token. `iss` and `sub` together identify a person. */
export interface IdTokenClaims {
  readonly iss: string
  readonly sub: string
  readonly [claim: string]: unknown
}

/** A token and its context, as plain data. */
export interface FhirGrant {
  readonly fhirBaseUrl: string
  readonly accessToken: string
  readonly expiresAt: number
  readonly scope: ScopeSet
  readonly patient: string | undefined
  readonly encounter: string | undefined
  readonly fhirUser: FhirUser | undefined
  readonly idToken: IdTokenClaims | undefined
  readonly launch: LaunchContext
  readonly launchId: string | undefined
}
