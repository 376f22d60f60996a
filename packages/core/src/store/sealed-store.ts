import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import { RecentlyUsed } from '../shared/recently-used.ts'
import { withTimeLimit } from '../shared/time-limit.ts'
import type { Expiring, RecordStore } from './record-store.ts'
import { createSealer, hashedName, type Sealer } from './sealing.ts'
import type { Store } from './store.ts'

export interface SealedStoreSettings<R> {
  /** Values sealed for one purpose do not open for another. */
  readonly purpose: string
  readonly secrets: readonly string[]
  /** Longest wait for one answer of the store, in seconds. */
  readonly timeoutSeconds: number
  readonly now: () => number
  /** Told of every failure of the store. */
  readonly onFailure: (error: FhirAuthError) => void
  /** Gives a record that another process wrote the parts that have not changed, as this process knows them. */
  readonly keepKnown?: ((fresh: R, known: R) => R) | undefined
}

/** What this process saw of one record when it last read or wrote it. */
interface Seen<R> {
  readonly key: string
  readonly sealed: string
  readonly record: R
  /** When, in milliseconds since the epoch. */
  at: number
}

/** Records remembered at least, so that one that did not change is opened once. */
const SEEN_RECORDS = 10_000
/** While the store is away, a record is served from memory this long after it was last seen. A logout elsewhere counts by then. */
const RECALL_SECONDS = 60
/** Once the store has let a call wait too long, none waits longer than this until the store answers again. */
const SILENT_SECONDS = 0.1

/**
 * Puts records into a shared store so that the store learns nothing: values encrypted and bound to their id, keys hashed.
 * A read is one round trip, and no cryptography while the record is unchanged.
 *
 * Its methods throw `session_store_failed`, with the store's own error as cause.
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
    const { key, sealed } = await this.#seal(id, record)
    await this.#ask(() => this.#store.set(key, sealed, this.#ttlOf(record)))
    this.#seen.set(id, { key, sealed, record, at: this.#settings.now() })
  }

  async replace(id: string, previous: R, next: R): Promise<boolean> {
    const seen = this.#seen.get(id)
    // Only what was read can be replaced; a record forgotten meanwhile is read again by the caller.
    if (seen?.record !== previous) return false
    const { key, sealed } = await this.#seal(id, next)
    const isWritten = await this.#ask(() => this.#store.swap(key, seen.sealed, sealed, this.#ttlOf(next)))
    if (isWritten) this.#seen.set(id, { key, sealed, record: next, at: this.#settings.now() })
    return isWritten
  }

  async delete(id: string): Promise<void> {
    const key = await hashedName(id)
    await this.#ask(() => this.#store.delete(key))
    // Last: a read that was under way has remembered it meanwhile.
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

  async #seal(id: string, record: R): Promise<{ key: string; sealed: string }> {
    // The id is part of what is sealed, so a value copied under another record's key does not open.
    return { key: await hashedName(id), sealed: await this.#sealer.seal({ id, record }) }
  }

  async #open(id: string, sealed: string, known: R | undefined): Promise<R | undefined> {
    const content = await this.#sealer.open(sealed)
    if (content?.id !== id) return undefined
    const record = content.record as R // sealed here, from one
    return known === undefined ? record : (this.#settings.keepKnown?.(record, known) ?? record)
  }

  #ttlOf(record: R): number {
    return Math.max(1, Math.ceil((record.expiresAt - this.#settings.now()) / 1000))
  }

  /** A store that hangs must not make requests hang. */
  async #ask<T>(call: () => Promise<T>): Promise<T> {
    const { timeoutSeconds, onFailure } = this.#settings
    const seconds = this.#isSilent ? Math.min(SILENT_SECONDS, timeoutSeconds) : timeoutSeconds
    const watched = () => {
      const answer = call()
      // However late it comes. An error says nothing: it may be of a client that has waited long enough.
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
