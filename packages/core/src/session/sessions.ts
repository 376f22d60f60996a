import type { FhirContext } from '../fhir/fhir-context.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'
import type { CookiePolicy } from './cookie-header.ts'
import type { LaunchRecord } from './record.ts'

/** What a launch asks of its sessions, wherever they are kept. */
export interface Sessions {
  /**
   * The context of the launch that a request belongs to; undefined when nobody is logged in.
   *
   * @throws `ambiguous_launch`, `session_store_failed`, or why an expired token could not be renewed
   */
  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined>
  /**
   * Gives a browser the session of its finished login, with the launches it had before. Where that fails nothing is left
   * of the login, and the session before it goes on.
   *
   * @throws `session_ended` when the person has logged out meanwhile, `session_store_failed`, and what `welcome` throws
   */
  logIn(cookieHeader: string | undefined, login: FinishedLogin): Promise<SessionChange>
  /** Ends the browser's session here and now, wherever a login under way may have moved it. */
  logOut(cookieHeader: string | undefined): Promise<EndedSession>
  /**
   * For sessions that only an answer can change: renews the token of the page that a person wants to get back to.
   *
   * @returns undefined where there is nothing to renew, or where it cannot be done now
   */
  renew?(request: AdapterRequest, returnTo: string): Promise<SessionRenewal | undefined>
  /** When no refresh is under way here any more. Never rejects. */
  idle(): Promise<void>
}

export interface SessionSettings {
  readonly policy: CookiePolicy
  /** Without prefix. */
  readonly cookieName: string
  readonly lifetimeSeconds: number
  readonly idleSeconds: number
}

export interface FinishedLogin {
  readonly launch: LaunchRecord
  /** When the person began to log in, in milliseconds since the epoch. */
  readonly startedAt: number
  /** The app's own part of it, before any browser has the session. What it throws ends the login. */
  readonly welcome: (fhir: FhirContext) => void | Promise<void>
}

export interface SessionChange {
  readonly cookies: readonly string[]
  /** How many the browser has now. */
  readonly launches: number
  /** Launches that this login has ended: those of another person at the same server. Their tokens are to be revoked. */
  readonly ended: readonly LaunchRecord[]
}

export interface EndedSession {
  readonly cookies: readonly string[]
  /** What the session held, for revocation. */
  readonly launches: readonly LaunchRecord[]
}

export interface SessionRenewal {
  /** False where the server has ended the launch. */
  readonly isRenewed: boolean
  readonly cookies: readonly string[]
  /** What the app's own hook threw. The cookies are good all the same. */
  readonly hookFailure?: unknown
}
