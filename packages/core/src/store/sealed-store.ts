import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import { RecentlyUsed } from '../shared/recently-used.ts'
import { withTimeLimit } from '../shared/time-limit.ts'
import type { Expiring, RecordStore } from './record-store.ts'
import { createSealer, hashedName, type Sealer } from './sealing.ts'
import type { Store } from './store.ts'

export interface SealedStoreSettings<R> {
  /** A value sealed for one purpose cannot be opened for another. */
  readonly purpose: string
  readonly secrets: readonly string[]
  /** Time limit of one call to the store, in seconds. */
  readonly timeoutSeconds: number
  readonly now: () => number
  /** Called for each failure of the store. */
  readonly onFailure: (error: FhirAuthError) => void
  /** In a record from the store, replaces the parts that have not changed by the objects that this process already has. */
  readonly keepKnown?: ((fresh: R, known: R) => R) | undefined
}

/** What this process last read or wrote of a record. */
interface Seen<R> {
  readonly key: string
  readonly sealed: string
  readonly record: R
  /** When it was read or written, in milliseconds since the epoch. */
  at: number
}

/** How many records are remembered at least, so that an unchanged record is not decrypted again. */
const SEEN_RECORDS = 10_000
/** While the store is down, a record is used for this long after it was last seen. Then a logout elsewhere takes effect. */
const RECALL_SECONDS = 60
/** After a call that took too long, the time limit of all calls, until the store answers again. */
const SILENT_SECONDS = 0.1

/**
 * Keeps records in a shared store that cannot read them: values are encrypted and bound to their id, keys are hashed. A read
 * is one round trip, and needs no cryptography if the record has not changed.
 *
 * Its methods throw `session_store_failed`, with the store's own error as the cause.
 */
export class SealedStore<R extends Expiring> implements RecordStore<R> {
  readonly #store: Store
  readonly #sealer: Sealer
  readonly #settings: SealedStoreSettings<R>
  readonly #seen = new RecentlyUsed<Seen<R>>(SEEN_RECORDS)
  #isSilent = false

  constructor(store: Store, settings: SealedStoreSettings<R>) {
    this.#store = store
    this.#settings = settings
    this.#sealer = createSealer(settings.secrets, settings.purpose)
  }

  async get(id: string): Promise<R | undefined> {
    const seen = this.#seen.get(id)
    const key = seen?.key ?? (await hashedName(id))
    const sealed = await this.#ask(() => this.#store.get(key))
    if (typeof sealed !== 'string') {
      this.#seen.delete(id)
      return undefined
    }
    if (seen?.sealed === sealed) {
      seen.at = this.#settings.now()
      return seen.record.expiresAt > seen.at ? seen.record : undefined
    }
    const record = await this.#open(id, sealed, seen?.record)
    const at = this.#settings.now()
    if (record === undefined || record.expiresAt <= at) return undefined
    this.#seen.set(id, { key, sealed, record, at })
    return record
  }

  recall(id: string): R | undefined {
    const seen = this.#seen.get(id)
    const now = this.#settings.now()
    if (seen === undefined || seen.at + RECALL_SECONDS * 1000 < now || seen.record.expiresAt <= now) return undefined
    return seen.record
  }

  async set(id: string, record: R): Promise<void> {
    const key = await hashedName(id)
    const sealed = await this.#sealer.seal({ id, record })
    await this.#ask(() => this.#store.set(key, sealed, this.#ttlOf(record)))
    this.#seen.set(id, { key, sealed, record, at: this.#settings.now() })
  }

  async replace(id: string, previous: R, next: R): Promise<boolean> {
    const seen = this.#seen.get(id)
    // Only a record that was read can be replaced. On false, the caller reads it again.
    if (seen?.record !== previous) return false
    const { key } = seen
    const sealed = await this.#sealer.seal({ id, record: next })
    const isWritten = await this.#ask(() => this.#store.swap(key, seen.sealed, sealed, this.#ttlOf(next)))
    if (isWritten) this.#seen.set(id, { key, sealed, record: next, at: this.#settings.now() })
    return isWritten
  }

  async delete(id: string): Promise<void> {
    const key = await hashedName(id)
    await this.#ask(() => this.#store.delete(key))
    // Last, because a read that ran at the same time may have remembered it.
    this.#seen.delete(id)
  }

  async claim(name: string, owner: string, ttlSeconds: number): Promise<boolean> {
    const key = await hashedName(name)
    const mark = await hashedName(owner)
    const isFree = await this.#ask(() => this.#store.swap(key, undefined, mark, ttlSeconds))
    return isFree || this.#ask(() => this.#store.swap(key, mark, mark, ttlSeconds))
  }

  async holderOf(name: string): Promise<string | undefined> {
    const key = await hashedName(name)
    const mark = await this.#ask(() => this.#store.get(key))
    return typeof mark === 'string' ? mark : undefined
  }

  async renew(name: string, owner: string, next: string, ttlSeconds: number): Promise<boolean> {
    return this.takeOver(name, await hashedName(owner), next, ttlSeconds)
  }

  async takeOver(name: string, mark: string, owner: string, ttlSeconds: number): Promise<boolean> {
    const key = await hashedName(name)
    const next = await hashedName(owner)
    return this.#ask(() => this.#store.swap(key, mark, next, ttlSeconds))
  }

  async release(name: string, owner: string): Promise<void> {
    const key = await hashedName(name)
    const mark = await hashedName(owner)
    await this.#ask(() => this.#store.delete(key, mark))
  }

  async #open(id: string, sealed: string, known: R | undefined): Promise<R | undefined> {
    const content = await this.#sealer.open(sealed)
    // The sealed content includes the id, so a value that was copied to another record's key is refused.
    if (content?.id !== id) return undefined
    const record = content.record as R // sealed by set or replace
    return known === undefined ? record : (this.#settings.keepKnown?.(record, known) ?? record)
  }

  #ttlOf(record: R): number {
    return Math.max(1, Math.ceil((record.expiresAt - this.#settings.now()) / 1000))
  }

  /** Calls the store with a time limit, so that requests do not hang with it. */
  async #ask<T>(call: () => Promise<T>): Promise<T> {
    const { timeoutSeconds, onFailure } = this.#settings
    const seconds = this.#isSilent ? Math.min(SILENT_SECONDS, timeoutSeconds) : timeoutSeconds
    const watched = () => {
      const answer = call()
      // Even a late result shows that the store is back. An error does not: it may be the client's own time-out.
      answer.then(
        () => {
          this.#isSilent = false
        },
        () => {},
      )
      return answer
    }
    const late = () => {
      this.#isSilent = true
      return new FhirAuthError('session_store_failed', `The session store did not answer within ${seconds} s.`)
    }
    try {
      return await withTimeLimit(watched, seconds, late)
    } catch (cause) {
      const message = 'The session store failed. Check that it is up and reachable.'
      const error = asFhirAuthError(cause, 'session_store_failed', message)
      onFailure(error)
      throw error
    }
  }
}
