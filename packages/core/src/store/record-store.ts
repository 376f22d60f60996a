import type { MaybePromise } from '../shared/maybe-promise.ts'

export interface Expiring {
  /** In milliseconds since the epoch. */
  readonly expiresAt: number
}

/** The store as the flows see it. Records are kept as they are in memory, and sealed in a shared store. */
export interface RecordStore<R extends Expiring> extends NameStore {
  /** @param now - the current time in milliseconds since the epoch, if the caller has read the clock */
  get(id: string, now?: number): MaybePromise<R | undefined>
  /** What this process read last, without asking the store. For the time when the store is down. */
  recall(id: string): R | undefined
  set(id: string, record: R): MaybePromise<void>
  /** Writes only if the stored record is still `previous`, so that two writers never overwrite each other. */
  replace(id: string, previous: R, next: R): MaybePromise<boolean>
  delete(id: string): MaybePromise<void>
}

/** Names that have at most one owner at a time. */
export interface NameStore {
  /** Takes a free name, atomically. Also true if the same owner has it already. */
  claim(name: string, owner: string, ttlSeconds: number): MaybePromise<boolean>
  /** A mark of the current owner, different for each owner. Undefined if the name is free. */
  holderOf(name: string): MaybePromise<string | undefined>
  /** Passes a name from `owner` to `next`, if `owner` still has it. */
  renew(name: string, owner: string, next: string, ttlSeconds: number): MaybePromise<boolean>
  /** Takes a name from the owner with this mark, if it still has it. */
  takeOver(name: string, mark: string, owner: string, ttlSeconds: number): MaybePromise<boolean>
  /** Frees a name, if this owner still has it. */
  release(name: string, owner: string): MaybePromise<void>
}
