import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import type { LaunchRecord, SessionRecord } from '../session/record.ts'
import { RecentlyUsed } from '../shared/recently-used.ts'
import { createSealer, hashedName, type Sealer } from './sealing.ts'
import type { RecordStore, SessionStore } from './store.ts'

export interface SealedStoreSettings {
  readonly secrets: readonly string[]
  /** Longest wait for one answer of the store, in seconds. */
  readonly timeoutSeconds: number
  readonly now: () => number
  /** Told of every failure of the store. */
  readonly onFailure: (error: FhirAuthError) => void
}

/** What this process saw of one session when it last read or wrote it. */
interface Seen {
  readonly key: string
  readonly sealed: string
  readonly record: SessionRecord
  /** When, in milliseconds since the epoch. */
  at: number
}

/** Sessions remembered at least, so that one that did not change is opened once. */
const SEEN_SESSIONS = 10_000
/** While the store is away, a session is served from memory this long after it was last seen: a logout elsewhere counts by then. */
const RECALL_SECONDS = 60
/** Once the store has let a call wait too long, none waits longer than this until it is heard again. */
const SILENT_SECONDS = 0.1

/**
 * Puts sessions into a shared store so that the store learns nothing: values encrypted and bound to their session id,
 * keys hashed. A read is one round trip, and no cryptography while the session is unchanged.
 *
 * Its methods throw `session_store_failed`, with the store's own error as cause.
 */
export class SealedStore implements RecordStore {
  readonly #store: SessionStore
  readonly #sealer: Sealer
  readonly #settings: SealedStoreSettings
  readonly #seen = new RecentlyUsed<Seen>(SEEN_SESSIONS)
  #isSilent = false

  constructor(store: SessionStore, settings: SealedStoreSettings) {
    this.#store = store
    this.#settings = settings
    this.#sealer = createSealer(settings.secrets, 'session')
  }

  async get(id: string): Promise<SessionRecord | undefined> {
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

  recall(id: string): SessionRecord | undefined {
    const seen = this.#seen.get(id)
    const now = this.#settings.now()
    if (seen === undefined || seen.at + RECALL_SECONDS * 1000 < now || seen.record.expiresAt <= now) return undefined
    return seen.record
  }

  async set(id: string, record: SessionRecord): Promise<void> {
    const { key, sealed } = await this.#seal(id, record)
    await this.#ask(() => this.#store.set(key, sealed, this.#ttlOf(record)))
    this.#seen.set(id, { key, sealed, record, at: this.#settings.now() })
  }

  async replace(id: string, previous: SessionRecord, next: SessionRecord): Promise<boolean> {
    const seen = this.#seen.get(id)
    // Only what was read can be replaced; a session forgotten meanwhile is read again by the caller.
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

  async #seal(id: string, record: SessionRecord): Promise<{ key: string; sealed: string }> {
    // The id is part of what is sealed, so a value copied under another session's key does not open.
    return { key: await hashedName(id), sealed: await this.#sealer.seal({ id, record }) }
  }

  async #open(id: string, sealed: string, known: SessionRecord | undefined): Promise<SessionRecord | undefined> {
    const content = await this.#sealer.open(sealed)
    if (content?.id !== id) return undefined
    const record = content.record as SessionRecord // sealed here, from one
    // What another process wrote may be of another launch, or a touch: a token that stays keeps its record and context.
    const launches = record.launches.map((launch) => known?.launches.find((other) => isSame(launch, other)) ?? launch)
    return Object.freeze({ ...record, launches: Object.freeze(launches) })
  }

  #ttlOf(record: SessionRecord): number {
    return Math.max(1, Math.ceil((record.expiresAt - this.#settings.now()) / 1000))
  }

  /** A store that hangs must not make requests hang. One promise and one timer: this is on the way of every request. */
  #ask<T>(call: () => Promise<T>): Promise<T> {
    const { timeoutSeconds, onFailure } = this.#settings
    const seconds = this.#isSilent ? Math.min(SILENT_SECONDS, timeoutSeconds) : timeoutSeconds
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => {
        const message = 'The session store failed. Check that it is up and reachable.'
        const error = asFhirAuthError(cause, 'session_store_failed', message)
        onFailure(error)
        reject(error)
      }
      let isLate = false
      const timer = setTimeout(() => {
        isLate = true
        this.#isSilent = true
        fail(new FhirAuthError('session_store_failed', `The session store did not answer within ${seconds} s.`))
      }, seconds * 1000)
      const heard = () => {
        clearTimeout(timer)
        // However late it comes.
        this.#isSilent = false
      }
      const answered = (answer: T) => {
        heard()
        resolve(answer)
      }
      const failed = (cause: unknown) => {
        heard()
        if (!isLate) fail(cause)
      }
      try {
        call().then(answered, failed)
      } catch (cause) {
        failed(cause)
      }
    })
  }
}

function isSame(one: LaunchRecord, other: LaunchRecord): boolean {
  return (
    one.launchId === other.launchId &&
    one.accessToken === other.accessToken &&
    one.refreshToken === other.refreshToken &&
    one.expiresAt === other.expiresAt
  )
}
