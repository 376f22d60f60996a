import { clock, type OptionRules, positive, readOptions } from '../options.ts'
import type { SessionRecord } from '../session/record.ts'
import { AgingMap } from '../shared/aging-map.ts'
import { detachedText } from '../shared/detached-text.ts'
import { parseFrozen } from '../shared/frozen-json.ts'
import type { RecordStore } from './store.ts'

export interface MemoryStoreOptions {
  /** Beyond it the session that was written longest ago is dropped. Default 100,000. */
  maxSessions?: number | undefined
  /** The clock, in milliseconds since the epoch. */
  now?: (() => number) | undefined
}

const DEFAULT_MAX_SESSIONS = 100_000
/** So many that were written last are ready for use; at rest, a session takes half the memory. */
const READY_SESSIONS = 10_000
/** Expired entries removed per write: pays for what is added, and never pauses long. */
const SWEEP_PER_WRITE = 4

const OPTIONS = {
  maxSessions: positive(DEFAULT_MAX_SESSIONS),
  now: clock,
} satisfies OptionRules<MemoryStoreOptions>

/**
 * Sessions in this process: bounded, expiring, synchronous. For one process; a restart logs everybody out.
 *
 * Each session is either ready, as a record, or at rest, as text: those written last are ready, and one at rest is made
 * ready when it is asked for.
 *
 * @throws `invalid_option` when `maxSessions` is not a positive number
 */
export class MemoryStore implements RecordStore {
  readonly #ready = new AgingMap<SessionRecord>()
  readonly #atRest = new AgingMap<string>()
  readonly #claims = new AgingMap<{ owner: string; expiresAt: number }>()
  readonly #maxSessions: number
  readonly #now: () => number

  constructor(options: MemoryStoreOptions = {}) {
    const { maxSessions, now } = readOptions(options, OPTIONS, 'memoryStore()')
    this.#maxSessions = maxSessions
    this.#now = now
  }

  /** How many sessions are held, expired ones not yet swept included. */
  get size(): number {
    return this.#ready.size + this.#atRest.size
  }

  get(id: string, now: number = this.#now()): SessionRecord | undefined {
    const record = this.#ready.get(id) ?? this.#wake(id)
    if (record === undefined || record.expiresAt > now) return record
    this.delete(id)
    return undefined
  }

  recall(id: string): SessionRecord | undefined {
    return this.get(id)
  }

  set(id: string, record: SessionRecord): void {
    const now = this.#now()
    sweep(this.#ready, ({ expiresAt }) => expiresAt, now)
    sweep(this.#atRest, expiryIn, now)
    this.#atRest.delete(id)
    this.#makeReady(id, record)
    const oldest = this.size > this.#maxSessions ? (this.#atRest.oldest() ?? this.#ready.oldest()) : undefined
    if (oldest) this.delete(oldest[0])
  }

  replace(id: string, previous: SessionRecord, next: SessionRecord): boolean {
    // One that has rested meanwhile is another record when it is read again, as its caller then does.
    if (this.#ready.get(id) !== previous) return false
    this.set(id, next)
    return true
  }

  delete(id: string): void {
    this.#ready.delete(id)
    this.#atRest.delete(id)
  }

  claim(name: string, owner: string, ttlSeconds: number): boolean {
    const now = this.#now()
    sweep(this.#claims, ({ expiresAt }) => expiresAt, now)
    const taken = this.#claims.get(name)
    if (taken !== undefined && taken.expiresAt > now && taken.owner !== owner) return false
    this.#claims.set(name, { owner, expiresAt: now + ttlSeconds * 1000 })
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

  #makeReady(id: string, record: SessionRecord): void {
    this.#ready.set(id, record)
    const oldest = this.#ready.size > READY_SESSIONS ? this.#ready.oldest() : undefined
    if (oldest === undefined) return
    this.#ready.delete(oldest[0])
    this.#atRest.set(oldest[0], textOf(oldest[1]))
  }

  #wake(id: string): SessionRecord | undefined {
    const text = this.#atRest.get(id)
    if (text === undefined) return undefined
    const record = recordIn(text)
    this.#atRest.delete(id)
    this.#makeReady(id, record)
    return record
  }
}

/** A store for one process, for `session: { store: memoryStore({ maxSessions: 10_000 }) }`. It is the default. */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new MemoryStore(options)
}

/** Its end comes first, to be read without the rest. A copy, since what JSON gives is in pieces, half as large again. */
function textOf({ expiresAt, endsAt, launches }: SessionRecord): string {
  return detachedText(JSON.stringify([expiresAt, endsAt, launches]))
}

function expiryIn(text: string): number {
  return Number.parseFloat(text.slice(1))
}

function recordIn(text: string): SessionRecord {
  const [expiresAt, endsAt, launches] = parseFrozen(text) as [number, number, SessionRecord['launches']] // see textOf
  return Object.freeze({ launches, expiresAt, endsAt })
}

/** Those written longest ago are those that expire first, or nearly so. */
function sweep<V>(map: AgingMap<V>, expiryOf: (value: V) => number, now: number): void {
  for (let swept = 0; swept < SWEEP_PER_WRITE; swept++) {
    const oldest = map.oldest()
    if (oldest === undefined || expiryOf(oldest[1]) > now) return
    map.delete(oldest[0])
  }
}
