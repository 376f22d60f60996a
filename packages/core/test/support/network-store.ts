import type { Store } from '../../src/index.ts'
import { createMapStore, type MapStore } from './map-store.ts'

/**
 * How the way to the store is: `down` refuses every call, `silent` never answers and does nothing, `late` does what it is
 * told and never says so.
 */
export type Way = 'up' | 'down' | 'silent' | 'late'

export interface NetworkStore extends Store {
  readonly inner: MapStore
  way: Way
  /** Of single methods, before `way`. */
  readonly ways: Partial<Record<keyof Store, Way>>
  /** How often each method was called, whatever became of it. */
  readonly counts: Record<keyof Store, number>
}

/** A process's way to a shared store, with faults. Several may lead to one store. */
export function createNetworkStore(inner: MapStore = createMapStore()): NetworkStore {
  const counts = { get: 0, set: 0, swap: 0, delete: 0 }
  const never = new Promise<never>(() => {})
  const pass = async <T>(method: keyof Store, call: () => Promise<T>): Promise<T> => {
    counts[method]++
    const way = store.ways[method] ?? store.way
    if (way === 'down') throw new Error('connection refused')
    if (way === 'silent') return never
    const answer = await call()
    return way === 'late' ? never : answer
  }
  const store: NetworkStore = {
    inner,
    way: 'up',
    ways: {},
    counts,
    get: (key) => pass('get', () => inner.get(key)),
    set: (key, value, ttlSeconds) => pass('set', () => inner.set(key, value, ttlSeconds)),
    swap: (key, expected, value, ttlSeconds) => pass('swap', () => inner.swap(key, expected, value, ttlSeconds)),
    delete: (key, expected) => pass('delete', () => inner.delete(key, expected)),
  }
  return store
}
