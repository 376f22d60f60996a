import type { SessionRecord } from '../session/record.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'

/**
 * Where sessions live when several processes share them. It sees no tokens and no session ids: values arrive sealed,
 * keys hashed. Write one for your database, or use `redisStore()` of `@fhir-auth/redis`.
 */
export interface SessionStore {
  get(key: string): Promise<string | undefined | null>
  /** Keeps the value for this long, in seconds; replaces whatever was there. */
  set(key: string, value: string, ttlSeconds: number): Promise<unknown>
  /** Atomically: writes only where the key holds `expected` (`undefined`: where it holds nothing). True if it wrote. */
  swap(key: string, expected: string | undefined, value: string, ttlSeconds: number): Promise<boolean>
  /** Removes the key; with `expected`, atomically and only if it holds that. */
  delete(key: string, expected?: string): Promise<unknown>
}

/** Sessions as the launch works with them: in memory as they are, in a shared store sealed. */
export interface RecordStore {
  /** @param now - the present, where the caller knows it, in milliseconds since the epoch */
  get(id: string, now?: number): MaybePromise<SessionRecord | undefined>
  /** What this process last saw, without asking: for a moment in which the store is away. */
  recall(id: string): SessionRecord | undefined
  set(id: string, record: SessionRecord): MaybePromise<void>
  /** Writes only if the session still is `previous`, as read before: two writers never overwrite each other. */
  replace(id: string, previous: SessionRecord, next: SessionRecord): MaybePromise<boolean>
  delete(id: string): MaybePromise<void>
  /** Atomically takes a name that must not be taken twice: true for the first owner, and for the same one again. */
  claim(name: string, owner: string, ttlSeconds: number): MaybePromise<boolean>
  /** A mark of whoever holds the name: another one with each owner. */
  holderOf(name: string): MaybePromise<string | undefined>
  /** Gives a name to the next owner, if it is still this owner's. */
  renew(name: string, owner: string, next: string, ttlSeconds: number): MaybePromise<boolean>
  /** Takes a name from a holder, if the mark is still the same. */
  takeOver(name: string, mark: string, owner: string, ttlSeconds: number): MaybePromise<boolean>
  /** Gives a name back, if it is still this owner's. */
  release(name: string, owner: string): MaybePromise<void>
}
