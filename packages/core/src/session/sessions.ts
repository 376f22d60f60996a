import type { FhirContext } from '../fhir/fhir-context.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'
import type { CookiePolicy } from './cookie-header.ts'
import type { LaunchRecord } from './record.ts'

/** The sessions of an app, in a store or in cookies. */
export interface Sessions {
  /**
   * The context of the launch that a request belongs to; undefined if nobody is logged in.
   *
   * @throws `ambiguous_launch`, `session_store_failed`, or why an expired token could not be renewed
   */
  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined>
  /**
   * Creates the session of a finished login, with the browser's earlier launches. If that fails, the new session is removed
   * and the old one stays.
   *
   * @throws `session_ended` if the person has logged out meanwhile, `session_store_failed`, and what `welcome` throws
   */
  logIn(cookieHeader: string | undefined, login: FinishedLogin): Promise<SessionChange>
  /** Ends the browser's session, even if a login has just moved it to another id. */
  logOut(cookieHeader: string | undefined): Promise<EndedSession>
  /**
   * Only for sessions in cookies, which an ordinary request cannot change: renews the token of the page to return to.
   *
   * @returns undefined if there is nothing to renew, or if it fails for now
   */
  renew?(request: AdapterRequest, returnTo: string): Promise<SessionRenewal | undefined>
  /** Resolves when no refresh is running here any more. Never rejects. */
  idle(): Promise<void>
}

export interface SessionSettings {
  readonly policy: CookiePolicy
  /** Without the prefix `__Host-`. */
  readonly cookieName: string
  readonly lifetimeSeconds: number
  readonly idleSeconds: number
}

export interface FinishedLogin {
  readonly launch: LaunchRecord
  /** When the login began, in milliseconds since the epoch. */
  readonly startedAt: number
  /** The app's hook, called before the browser gets the session. If it throws, the login fails. */
  readonly welcome: (fhir: FhirContext) => void | Promise<void>
}

export interface SessionChange {
  readonly cookies: readonly string[]
  /** How many launches the browser has now. */
  readonly launches: number
  /** Launches that this login has ended, such as those of another person. The caller revokes their tokens. */
  readonly ended: readonly LaunchRecord[]
}

export interface EndedSession {
  readonly cookies: readonly string[]
  /** The launches of the session. The caller revokes their tokens. */
  readonly launches: readonly LaunchRecord[]
}

export interface SessionRenewal {
  /** False if the server has ended the launch. */
  readonly isRenewed: boolean
  readonly cookies: readonly string[]
  /** What the app's hook threw. The cookies are still valid. */
  readonly hookFailure?: unknown
}
