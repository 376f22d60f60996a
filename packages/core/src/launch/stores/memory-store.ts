import { checkKnownOptions, positiveNumber } from '../../options.ts'
import type { RecordStore, SessionRecord } from './session-store.ts'

export interface MemoryStoreOptions {
  /** Beyond it the oldest session is dropped. Default 100,000. */
  maxSessions?: number | undefined
  /** The clock, in milliseconds since the epoch. */
  now?: (() => number) | undefined
}

const DEFAULT_MAX_SESSIONS = 100_000
/** Expired entries removed per write: pays for what is added, and never pauses long. */
const SWEEP_PER_WRITE = 4

/**
 * Sessions in this process: bounded, expiring, synchronous. For one process; a restart logs everybody out.
 *
 * @throws `invalid_option` when `maxSessions` is not a positive number
 */
export class MemoryStore implements RecordStore {
  readonly #sessions = new Map<string, SessionRecord>()
  readonly #claims = new Map<string, number>()
  readonly #maxSessions: number
  readonly #now: () => number

  constructor(options: MemoryStoreOptions = {}) {
    checkKnownOptions(options, ['maxSessions', 'now'], 'memoryStore()')
    this.#maxSessions = positiveNumber(options.maxSessions, DEFAULT_MAX_SESSIONS, 'memoryStore({ maxSessions })')
    this.#now = options.now ?? Date.now
  }

  /** How many sessions are held, expired ones not yet swept included. */
  get size(): number {
    return this.#sessions.size
  }

  get(id: string): SessionRecord | undefined {
    const record = this.#sessions.get(id)
    if (record === undefined || record.expiresAt > this.#now()) return record
    this.#sessions.delete(id)
    return undefined
  }

  set(id: string, record: SessionRecord): void {
    this.#sweep()
    this.#sessions.set(id, record)
    if (this.#sessions.size > this.#maxSessions) this.#dropOldest(this.#sessions)
  }

  delete(key: string): void {
    this.#sessions.delete(key)
    this.#claims.delete(key)
  }

  claim(key: string, ttlSeconds: number): boolean {
    const now = this.#now()
    const takenUntil = this.#claims.get(key)
    if (takenUntil !== undefined && takenUntil > now) return false
    for (const [old, until] of firstOf(this.#claims, SWEEP_PER_WRITE)) if (until <= now) this.#claims.delete(old)
    this.#claims.set(key, now + ttlSeconds * 1000)
    return true
  }

  /** Sessions of one lifetime expire in the order they were made, which is the order of the map. */
  #sweep(): void {
    const now = this.#now()
    for (const [id, record] of firstOf(this.#sessions, SWEEP_PER_WRITE)) {
      if (record.expiresAt <= now) this.#sessions.delete(id)
    }
  }

  #dropOldest(map: Map<string, unknown>): void {
    for (const [oldest] of firstOf(map, 1)) map.delete(oldest)
  }
}

/** A store for one process, for `session: { store: memoryStore({ maxSessions: 10_000 }) }`. It is the default. */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new MemoryStore(options)
}

function* firstOf<V>(map: Map<string, V>, count: number): Generator<[string, V]> {
  for (const entry of map) {
    if (count-- <= 0) return
    yield entry
  }
}
