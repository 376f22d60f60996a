import type { MaybePromise } from '../shared/maybe-promise.ts'

/** Anything that ends: in milliseconds since the epoch. */
export interface Expiring {
  readonly expiresAt: number
}

/** Records as the flows work with them: in memory as they are, in a shared store sealed. */
export interface RecordStore<R extends Expiring> extends NameStore {
  /** @param now - the present, where the caller knows it, in milliseconds since the epoch */
  get(id: string, now?: number): MaybePromise<R | undefined>
  /** What this process saw last, without asking: for a moment in which the store is away. */
  recall(id: string): R | undefined
  set(id: string, record: R): MaybePromise<void>
  /** Writes only if the record still is `previous`, as read before: two writers never overwrite each other. */
  replace(id: string, previous: R, next: R): MaybePromise<boolean>
  delete(id: string): MaybePromise<void>
}

/** Names that have one owner at a time. */
export interface NameStore {
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
