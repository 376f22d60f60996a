import type { FhirUser, IdTokenClaims, LaunchContext } from '../../fhir-context.ts'
import type { MaybePromise } from '../../options.ts'

/** One launch of a browser session: its tokens and what they stand for. Plain data, never changed, only replaced. */
export interface LaunchRecord {
  readonly launchId: string
  readonly fhirBaseUrl: string
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
  readonly launch: LaunchContext
}

/** What one session cookie stands for. */
export interface SessionRecord {
  readonly launches: readonly LaunchRecord[]
  /** The session's absolute end, in milliseconds since the epoch. */
  readonly expiresAt: number
}

/**
 * Where sessions live when several processes share them. It sees no tokens and no session ids: values arrive sealed,
 * keys hashed. Write one for your database, or use a package that has one.
 */
export interface SessionStore {
  get(key: string): Promise<string | undefined | null>
  /** Keeps the value for this long, in seconds. */
  set(key: string, value: string, ttlSeconds: number): Promise<unknown>
  /** Removes a value, or gives a claim back. */
  delete(key: string): Promise<unknown>
  /**
   * Atomically takes a key that must not be taken twice within the time, in seconds: true for the first caller only
   * (`SET key 1 NX EX ttl` in Redis).
   */
  claim(key: string, ttlSeconds: number): Promise<boolean>
}

/** Sessions as the launch works with them: in memory as they are, in a shared store sealed. */
export interface RecordStore {
  get(id: string): MaybePromise<SessionRecord | undefined>
  set(id: string, record: SessionRecord): MaybePromise<void>
  delete(key: string): MaybePromise<void>
  claim(key: string, ttlSeconds: number): MaybePromise<boolean>
}
