import type { FhirContext } from '../fhir/fhir-context.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'
import type { LaunchRecord } from './record.ts'

/** What a launch asks of its sessions, wherever they are kept. */
export interface SessionKeeper {
  /**
   * The context of the launch that a request belongs to; undefined when nobody is logged in.
   *
   * @throws `ambiguous_launch`, `session_store_failed`, or why an expired token could not be renewed
   */
  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined>
  /** The one context of this token. */
  contextOf(id: string, launch: LaunchRecord): FhirContext
  /** A session for a finished login, which no browser knows yet; returns its id. */
  open(launch: LaunchRecord): Promise<string>
  /** Gives a browser the session of its login, with the launches it had in the one before. */
  handOver(cookieHeader: string | undefined, id: string, launch: LaunchRecord): Promise<SessionChange>
  /** Removes a session, and returns what it held. */
  discard(id: string): Promise<readonly LaunchRecord[]>
  /** Ends the browser's session here and now; what it held is returned for revocation. */
  end(cookieHeader: string | undefined): Promise<EndedSession>
  /**
   * For sessions that only an answer can change: renews the token of the page that a person wants to get back to.
   *
   * @returns undefined where there is nothing to renew, or where it cannot be done now
   */
  renew?(request: AdapterRequest, returnTo: string): Promise<SessionRenewal | undefined>
}

export interface SessionChange {
  readonly cookies: readonly string[]
  /** How many the browser has now. */
  readonly launches: number
}

export interface EndedSession {
  readonly cookies: readonly string[]
  readonly launches: readonly LaunchRecord[]
}

export interface SessionRenewal {
  /** False where the server has ended the launch. */
  readonly isRenewed: boolean
  readonly cookies: readonly string[]
}

/** Launches one browser session keeps; beyond it the oldest goes. */
export const MAX_LAUNCHES = 10
/**
 * Whether a launch stays beside a new one: all but the one that this login repeats for the same patient and encounter. One
 * that has run out stays as a name: its tab must not find another patient where it was.
 */
export function isKeptBeside(other: LaunchRecord, added: LaunchRecord): boolean {
  return (
    other.fhirBaseUrl !== added.fhirBaseUrl ||
    other.patient !== added.patient ||
    other.encounter !== added.encounter ||
    other.idToken?.sub !== added.idToken?.sub
  )
}
