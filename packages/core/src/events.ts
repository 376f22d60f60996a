import type { FhirAuthError, FhirAuthErrorCode } from './errors.ts'

/** What every event says: where it happened. Never a token, code, secret or session id. */
interface EventOrigin {
  readonly fhirBaseUrl: string
  readonly clientId: string
}

/** How long the work took that an event tells of, in milliseconds. */
interface Timed {
  readonly durationMs: number
}

/** A launch of a browser session. Its id chooses among the session's launches and opens nothing. */
interface LaunchOrigin extends EventOrigin {
  readonly launchId: string
}

/**
 * Why a launch is over: the person logged out, or another person logged in at the same server; the server refused the
 * refresh token, or answered a refresh for another person, patient or encounter.
 */
export type LaunchEndReason = 'logout' | 'other_person' | 'invalid_grant' | 'invalid_id_token' | 'context_changed'

/** What a request of this library to an authorization server was for. */
export type RequestPurpose = 'discovery' | 'jwks' | 'token' | 'revocation' | 'introspection'

/** A request of this library, answered or failed. */
export interface RequestEvent extends Timed {
  readonly type: 'request'
  readonly purpose: RequestPurpose
  /** Of a token request. */
  readonly grantType: string | undefined
  /** Without its query. */
  readonly url: string
  /** Of the answer; undefined where there was none. */
  readonly status: number | undefined
  /** Why there was no answer. */
  readonly error: FhirAuthError | undefined
}

/**
 * Something that operators and audits want to know, for `onEvent`. Typed by `type`, free of secrets; a `patient` is an id.
 */
export type FhirAuthEvent =
  /** A person was sent to the authorization server. Many never come back. */
  | (EventOrigin & Timed & { readonly type: 'login_started'; readonly isEhrLaunch: boolean })
  /** The person is logged in. `durationMs` is of the callback. */
  | (LaunchOrigin &
      Timed & { readonly type: 'login'; readonly isEhrLaunch: boolean; readonly patient: string | undefined })
  /** Server and client are named where the failure came after they were known. */
  | (Partial<EventOrigin> &
      Timed & { readonly type: 'login_failed'; readonly code: FhirAuthErrorCode; readonly error: FhirAuthError })
  /** The address of the page that was asked for is too long to be kept through a login: the person lands at home. */
  | { readonly type: 'return_to_dropped'; readonly length: number }
  | (LaunchOrigin & Timed & { readonly type: 'refresh' })
  /** The session stays; the refresh is tried again. */
  | (LaunchOrigin & Timed & { readonly type: 'refresh_failed'; readonly error: FhirAuthError })
  | (LaunchOrigin & { readonly type: 'launch_ended'; readonly reason: LaunchEndReason })
  /**
   * An id_token does not count: the new one of a refresh, or one that the login has not asked for. The session goes on with
   * the identity it had.
   */
  | (LaunchOrigin & { readonly type: 'id_token_ignored'; readonly error: FhirAuthError })
  /** Members of a token response have a form that cannot be read: handlers do not see them. */
  | (EventOrigin & { readonly type: 'members_ignored'; readonly members: readonly string[] })
  | { readonly type: 'store_failed'; readonly error: FhirAuthError }
  /** A key of the app's key set that does not sign, such as one for encryption. It is not published. */
  | { readonly type: 'key_left_aside'; readonly kid: string | undefined; readonly reason: string }
  /** Several registrations have one redirect URI, so a hostile server among them could mix up logins (RFC 9700 §4.4). */
  | { readonly type: 'redirect_uri_shared'; readonly redirectUri: string; readonly fhirBaseUrls: readonly string[] }
  | RequestEvent
  | (EventOrigin &
      Timed & {
        readonly type: 'token'
        readonly scope: string
        /** When the token ends, in milliseconds since the epoch. */
        readonly expiresAt: number
        /** Asked for and not granted. */
        readonly missing: readonly string[]
        /** Granted and not asked for. */
        readonly extra: readonly string[]
      })
  /** Another process of the app has got this token, and shares it. */
  | (EventOrigin & { readonly type: 'token_taken'; readonly scope: string; readonly expiresAt: number })
  | (EventOrigin & Timed & { readonly type: 'token_failed'; readonly scope: string; readonly error: FhirAuthError })

/** Is told of events at once. What it throws is dropped: watching must not break what is watched. */
export type EventListener = (event: FhirAuthEvent) => void

export type Emit = (event: FhirAuthEvent) => void

export function createEmit(listener: EventListener | undefined): Emit {
  if (listener === undefined) return () => {}
  return function emit(event) {
    try {
      const result: unknown = listener(Object.freeze(event))
      if (result instanceof Promise) result.catch(() => {})
    } catch {
      // See above.
    }
  }
}

/** Milliseconds since `startedAt`, a time of `performance.now()`, to hundredths. */
export function durationSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) * 100) / 100
}
