import type { Store } from '../../src/index.ts'

export interface MapStore extends Store {
  /** What it holds, by key; tests may change it. */
  readonly values: Map<string, string>
  /** Every call with its arguments, in order. */
  readonly calls: string[][]
}

/** A shared store, as an application would write one for its database; it shows what it got. */
export function createMapStore(now: () => number = Date.now): MapStore {
  const values = new Map<string, string>()
  const ends = new Map<string, number>()
  const calls: string[][] = []
  /** Each call takes a moment, so that others come between. */
  const begin = async (...call: (string | number | undefined)[]) => {
    calls.push(call.map((part) => String(part)))
    await new Promise((resolve) => setImmediate(resolve))
  }
  const keep = (key: string, value: string, ttlSeconds: number) => {
    values.set(key, value)
    ends.set(key, now() + ttlSeconds * 1000)
  }
  const held = (key: string) => {
    if ((ends.get(key) ?? Number.POSITIVE_INFINITY) <= now()) values.delete(key)
    return values.get(key)
  }
  return {
    values,
    calls,
    async get(key) {
      await begin('get', key)
      return held(key)
    },
    async set(key, value, ttlSeconds) {
      await begin('set', key, value, ttlSeconds)
      keep(key, value, ttlSeconds)
    },
    async swap(key, expected, value, ttlSeconds) {
      await begin('swap', key, expected, value, ttlSeconds)
      if (held(key) !== expected) return false
      keep(key, value, ttlSeconds)
      return true
    },
    async delete(key, expected) {
      await begin('delete', key, expected)
      if (expected === undefined || held(key) === expected) values.delete(key)
    },
  }
}

/** For rules that hold with every store. */
export const bothStores: [string, () => MapStore | undefined][] = [
  ['in memory', () => undefined],
  ['shared', () => createMapStore()],
]
