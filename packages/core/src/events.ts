import type { FhirAuthError, FhirAuthErrorCode } from './errors.ts'

/** Where an event happened. No event contains a token, code, secret or session id. */
interface EventOrigin {
  readonly fhirBaseUrl: string
  readonly clientId: string
}

interface Timed {
  /** How long the work took, in milliseconds. */
  readonly durationMs: number
}

/** A launch of a browser session. Its id only selects one of the session's launches; it is not a credential. */
interface LaunchOrigin extends EventOrigin {
  readonly launchId: string
}

/**
 * Why a launch is over: the person logged out; another person logged in at the same server; the server refused the refresh
 * token; or a refresh returned another person, patient or encounter.
 */
export type LaunchEndReason = 'logout' | 'other_person' | 'invalid_grant' | 'invalid_id_token' | 'context_changed'

/** What a request of this library to an authorization server was for. */
export type RequestPurpose = 'discovery' | 'jwks' | 'token' | 'revocation' | 'introspection'

/** A request of this library that was answered or has failed. */
export interface RequestEvent extends Timed {
  readonly type: 'request'
  readonly purpose: RequestPurpose
  /** Only for a token request. */
  readonly grantType: string | undefined
  /** Without its query. */
  readonly url: string
  /** The status of the response; undefined if there was none. */
  readonly status: number | undefined
  /** Why there was no response. */
  readonly error: FhirAuthError | undefined
}

/** Something that happened, for `onEvent`: for logs, audits and metrics. It has no secrets; a `patient` is an id. */
export type FhirAuthEvent =
  /** A person was sent to the authorization server. Many logins are never finished. */
  | (EventOrigin & Timed & { readonly type: 'login_started'; readonly isEhrLaunch: boolean })
  /** The person is logged in. `durationMs` is that of the callback. */
  | (LaunchOrigin &
      Timed & { readonly type: 'login'; readonly isEhrLaunch: boolean; readonly patient: string | undefined })
  /** Server and client are undefined if the login failed before they were known. */
  | (Partial<EventOrigin> &
      Timed & { readonly type: 'login_failed'; readonly code: FhirAuthErrorCode; readonly error: FhirAuthError })
  /** The address of the requested page is too long to be kept during a login: the person goes to `paths.home` instead. */
  | { readonly type: 'return_to_dropped'; readonly length: number }
  | (LaunchOrigin & Timed & { readonly type: 'refresh' })
  /** The session stays; the refresh is tried again. */
  | (LaunchOrigin & Timed & { readonly type: 'refresh_failed'; readonly error: FhirAuthError })
  | (LaunchOrigin & { readonly type: 'launch_ended'; readonly reason: LaunchEndReason })
  /**
   * An id_token is ignored: a new one of a refresh that is not valid, or one that the login did not ask for. The session
   * keeps its identity.
   */
  | (LaunchOrigin & { readonly type: 'id_token_ignored'; readonly error: FhirAuthError })
  /** Members of a token response cannot be read. Handlers do not get them. */
  | (EventOrigin & { readonly type: 'members_ignored'; readonly members: readonly string[] })
  | { readonly type: 'store_failed'; readonly error: FhirAuthError }
  /** A key of the app's key set is not for signing, such as one for encryption. It is not used or published. */
  | { readonly type: 'key_left_aside'; readonly kid: string | undefined; readonly reason: string }
  /** Several registrations share a redirect URI, so a hostile server among them could mix up logins (RFC 9700 §4.4). */
  | { readonly type: 'redirect_uri_shared'; readonly redirectUri: string; readonly fhirBaseUrls: readonly string[] }
  | RequestEvent
  /** The FHIR proxy has sent a page's request to the FHIR server, or refused it. For an audit. */
  | (Timed & {
      readonly type: 'proxied'
      readonly fhirBaseUrl: string
      readonly launchId: string
      readonly method: string
      /** `read`, `search`, …; undefined if it is no FHIR request. */
      readonly interaction: string | undefined
      readonly resourceType: string | undefined
      /** Below the FHIR base, without the query: only with `auditIds`. */
      readonly path: string | undefined
      /** Of the answer that the page gets; 499 if it has gone before. */
      readonly status: number
      readonly error: FhirAuthError | undefined
    })
  | (EventOrigin &
      Timed & {
        readonly type: 'token'
        readonly scope: string
        /** In milliseconds since the epoch. */
        readonly expiresAt: number
        /** Requested and not granted. */
        readonly missing: readonly string[]
        /** Granted and not requested. */
        readonly extra: readonly string[]
      })
  /** Another process of the app got this token and shares it. */
  | (EventOrigin & { readonly type: 'token_taken'; readonly scope: string; readonly expiresAt: number })
  | (EventOrigin & Timed & { readonly type: 'token_failed'; readonly scope: string; readonly error: FhirAuthError })

/** Called for each event. Errors that it throws are dropped, so that logging never breaks a request. */
export type EventListener = (event: FhirAuthEvent) => void

export type Emit = (event: FhirAuthEvent) => void

export function createEmit(listener: EventListener | undefined): Emit {
  if (listener === undefined) return () => {}
  return function emit(event) {
    try {
      const result: unknown = listener(Object.freeze(event))
      if (result instanceof Promise) result.catch(() => {})
    } catch {
      // See EventListener.
    }
  }
}

/** Milliseconds since `startedAt`, a time of `performance.now()`, to hundredths. */
export function durationSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) * 100) / 100
}
