import type { SandboxFault } from './faults.ts'
import type { SyntheticPatient } from './fhir/patients.ts'
import type { RecordedRequest } from './request-record.ts'
import type { EhrLaunch, SandboxClient } from './sandbox-options.ts'
import type { SignIdTokenOptions } from './signing-keys.ts'

/** A running SMART server. */
export interface Sandbox {
  /** Without a trailing slash. */
  readonly fhirBaseUrl: string
  /** The authorization server's issuer. */
  readonly issuer: string
  readonly origin: { fhir: string; auth: string }
  readonly patients: readonly SyntheticPatient[]
  /** Every request, in order, both hosts. */
  readonly requests: readonly RecordedRequest[]
  /** By path: a string is compared as a whole. */
  requestsTo(path: string | RegExp): RecordedRequest[]
  clearRequests(): void
  /** At any time; replaces the client of the same id. */
  registerClient(client: SandboxClient): void
  /** The URL that an EHR opens: the launch URL with `iss` and a single-use `launch`. */
  ehrLaunch(launch: EhrLaunch): string
  fault(fault: SandboxFault): void
  clearFaults(): void
  /** Publishes a new id_token key and drops the old one. */
  rotateSigningKeys(): Promise<void>
  /** Signs claims as an id_token, for faults at `token`. */
  signIdToken(claims: object, options?: SignIdTokenOptions): Promise<string>
  /** Ends everything granted so far: the next refresh answers `invalid_grant`, the FHIR API 401. */
  revokeAll(): void
  /** How often a refresh token was used twice. */
  readonly refreshReuseDetections: number
  close(): Promise<void>
}
