import { FhirAuthError } from '../errors.ts'
import { clock, type OptionRules, positive, readOptions } from '../options.ts'
import { AgingMap } from '../shared/aging-map.ts'
import { detachedText } from '../shared/detached-text.ts'
import { parseFrozen } from '../shared/frozen-json.ts'
import type { Expiring, RecordStore } from './record-store.ts'
import { Shares } from './shares.ts'

export interface MemoryStoreOptions {
  /** Beyond this number, the session that was written longest ago is removed. Default 100,000. */
  maxSessions?: number | undefined
  /** The same for the size of all sessions together, in bytes, approximately. Default 256 MiB. */
  maxBytes?: number | undefined
  /** The clock, in milliseconds since the epoch. */
  now?: (() => number) | undefined
}

const DEFAULT_MAX_SESSIONS = 100_000
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024
/** Largest session: room for ten launches with all that their servers may send. */
const MAX_RECORD_BYTES = 8 * 1024 * 1024
/** How many sessions are kept ready. A session at rest, as text, takes half the memory. */
const READY_SESSIONS = 10_000
/** Expired entries removed with each write, so that no write takes long. */
const SWEEP_PER_WRITE = 4
/** How many sessions of smaller shares are skipped in the search for one to remove. */
const MAX_SKIPPED = 100
/** Claims live for minutes. Beyond this number, the oldest is dropped. */
const MAX_CLAIMS = 100_000

interface Ready<R> {
  readonly record: R
  readonly bytes: number
}

const OPTIONS = {
  maxSessions: positive(DEFAULT_MAX_SESSIONS),
  maxBytes: positive(DEFAULT_MAX_BYTES),
  now: clock,
} satisfies OptionRules<MemoryStoreOptions>

/**
 * Keeps sessions in this process, synchronously, with a maximum number and size. A restart logs everybody out.
 *
 * Each session is either ready, as a record, or at rest, as text. Those written last are ready. A session at rest becomes
 * ready when it is read.
 *
 * @throws `invalid_option` if an option is unknown, or a limit is not a positive number
 */
export class MemoryStore<R extends Expiring = Expiring> implements RecordStore<R> {
  readonly #ready = new AgingMap<Ready<R>>()
  readonly #atRest = new AgingMap<string>()
  readonly #claims = new AgingMap<{ owner: string; expiresAt: number }>()
  readonly #maxSessions: number
  readonly #maxBytes: number
  readonly #now: () => number
  #bytes = 0
  #shares: Shares<R> | undefined

  constructor(options: MemoryStoreOptions = {}) {
    const { maxSessions, maxBytes, now } = readOptions(options, OPTIONS, 'memoryStore()')
    this.#maxSessions = maxSessions
    this.#maxBytes = maxBytes
    this.#now = now
  }

  /** How many sessions are held, including expired ones that are not removed yet. */
  get size(): number {
    return this.#ready.size + this.#atRest.size
  }

  /**
   * Divides the sessions into shares. A full store removes a session of the largest share, so sessions of one server cannot
   * push out those of another. Must be called before the first write.
   */
  divideBy(shareOf: (record: R) => string): void {
    this.#shares = new Shares(shareOf)
  }

  get(id: string, now: number = this.#now()): R | undefined {
    const record = this.#ready.get(id)?.record ?? this.#wake(id)
    if (record === undefined || record.expiresAt > now) return record
    this.delete(id)
    return undefined
  }

  recall(id: string): R | undefined {
    return this.get(id)
  }

  set(id: string, record: R): void {
    const bytes = textOf(record).length
    const most = Math.min(MAX_RECORD_BYTES, this.#maxBytes)
    if (bytes > most) {
      throw new FhirAuthError(
        'session_store_failed',
        `A session takes ${bytes} bytes, and the memory store keeps at most ${most} of one. Its servers send very much with their tokens: look at fhir.launch and fhir.idToken.`,
      )
    }
    this.#sweep(this.#now())
    this.delete(id)
    this.#bytes += bytes
    this.#shares?.count(record, bytes)
    this.#makeReady(id, { record, bytes })
    while (this.size > this.#maxSessions || this.#bytes > this.#maxBytes) this.#makeRoom()
  }

  replace(id: string, previous: R, next: R): boolean {
    // A record that was at rest meanwhile is a new object. On false, the caller reads it again.
    if (this.#ready.get(id)?.record !== previous) return false
    this.set(id, next)
    return true
  }

  delete(id: string): void {
    const ready = this.#ready.get(id)
    if (ready !== undefined) {
      this.#bytes -= ready.bytes
      this.#shares?.count(ready.record, -ready.bytes)
    }
    const text = this.#atRest.get(id)
    if (text !== undefined) {
      this.#bytes -= text.length
      this.#shares?.count(recordIn(text), -text.length)
    }
    this.#ready.delete(id)
    this.#atRest.delete(id)
  }

  claim(name: string, owner: string, ttlSeconds: number): boolean {
    const now = this.#now()
    for (let swept = 0; swept < SWEEP_PER_WRITE; swept++) {
      const oldest = this.#claims.oldest()
      if (oldest !== undefined && oldest[1].expiresAt <= now) this.#claims.delete(oldest[0])
    }
    const taken = this.#claims.get(name)
    if (taken !== undefined && taken.expiresAt > now && taken.owner !== owner) return false
    this.#claims.set(name, { owner, expiresAt: now + ttlSeconds * 1000 })
    const oldest = this.#claims.size > MAX_CLAIMS ? this.#claims.oldest() : undefined
    if (oldest) this.#claims.delete(oldest[0])
    return true
  }

  holderOf(name: string): string | undefined {
    const taken = this.#claims.get(name)
    return taken !== undefined && taken.expiresAt > this.#now() ? taken.owner : undefined
  }

  renew(name: string, owner: string, next: string, ttlSeconds: number): boolean {
    return this.takeOver(name, owner, next, ttlSeconds)
  }

  takeOver(name: string, mark: string, owner: string, ttlSeconds: number): boolean {
    if (this.holderOf(name) !== mark) return false
    this.#claims.set(name, { owner, expiresAt: this.#now() + ttlSeconds * 1000 })
    return true
  }

  release(name: string, owner: string): void {
    if (this.#claims.get(name)?.owner === owner) this.#claims.delete(name)
  }

  #makeReady(id: string, ready: Ready<R>): void {
    this.#ready.set(id, ready)
    const oldest = this.#ready.size > READY_SESSIONS ? this.#ready.oldest() : undefined
    if (oldest === undefined) return
    this.#ready.delete(oldest[0])
    // V8 keeps a string that was just built as a tree of pieces; a detached copy takes less memory.
    this.#atRest.set(oldest[0], detachedText(textOf(oldest[1].record)))
  }

  #wake(id: string): R | undefined {
    const text = this.#atRest.get(id)
    if (text === undefined) return undefined
    const record = recordIn<R>(text)
    this.#atRest.delete(id)
    this.#makeReady(id, { record, bytes: text.length })
    return record
  }

  /** Removes a few expired sessions. Those written longest ago usually expire first. */
  #sweep(now: number): void {
    for (let swept = 0; swept < SWEEP_PER_WRITE; swept++) {
      const ready = this.#ready.oldest()
      if (ready !== undefined && ready[1].record.expiresAt <= now) this.delete(ready[0])
      const resting = this.#atRest.oldest()
      if (resting !== undefined && expiryIn(resting[1]) <= now) this.delete(resting[0])
    }
  }

  #makeRoom(): void {
    for (let skipped = 0; ; skipped++) {
      const mayStay = (record: () => R) =>
        skipped < MAX_SKIPPED && this.#shares !== undefined && !this.#shares.isOfLargest(record())
      const resting = this.#atRest.oldest()
      const ready = this.#ready.oldest()
      if (resting !== undefined) {
        const [id, text] = resting
        if (!mayStay(() => recordIn(text))) {
          this.delete(id)
          return
        }
        this.#atRest.set(id, text)
      } else if (ready !== undefined) {
        const [id, held] = ready
        if (!mayStay(() => held.record)) {
          this.delete(id)
          return
        }
        this.#ready.set(id, held)
      } else return
    }
  }
}

/** A store for one process, for `session: { store: memoryStore({ maxSessions: 10_000 }) }`. It is the default. */
export function memoryStore<R extends Expiring = Expiring>(options: MemoryStoreOptions = {}): MemoryStore<R> {
  return new MemoryStore<R>(options)
}

/** The expiry comes first, so that it can be read without parsing the rest. */
function textOf<R extends Expiring>({ expiresAt, ...rest }: R): string {
  return JSON.stringify([expiresAt, rest])
}

function expiryIn(text: string): number {
  return Number.parseFloat(text.slice(1))
}

function recordIn<R extends Expiring>(text: string): R {
  const [expiresAt, rest] = parseFrozen(text) as [number, object] // see textOf
  return Object.freeze({ ...rest, expiresAt }) as R
}
