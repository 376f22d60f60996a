import type { Store } from '@fhir-auth/core'
import type { Histogram } from '@opentelemetry/api'

/** The same store, with each call timed. Results and errors are passed on. */
export function watchedStore(store: Store, duration: Histogram, system: string | undefined): Store {
  const timed = async <T>(operation: keyof Store, call: () => Promise<T>): Promise<T> => {
    const attributes = { 'db.operation.name': operation, ...(system !== undefined && { 'db.system.name': system }) }
    const startedAt = performance.now()
    const seconds = () => (performance.now() - startedAt) / 1000
    try {
      const answer = await call()
      duration.record(seconds(), attributes)
      return answer
    } catch (error) {
      // Not its code or message: those of a driver may contain anything.
      duration.record(seconds(), { ...attributes, 'error.type': error instanceof Error ? error.name : '_OTHER' })
      throw error
    }
  }
  return {
    get: (key) => timed('get', () => store.get(key)),
    set: (key, value, ttlSeconds) => timed('set', () => store.set(key, value, ttlSeconds)),
    swap: (key, expected, value, ttlSeconds) => timed('swap', () => store.swap(key, expected, value, ttlSeconds)),
    delete: (key, expected) => timed('delete', () => store.delete(key, expected)),
  }
}
