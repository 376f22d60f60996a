import { refuseOption } from '../options.ts'
import { MemoryStore } from './memory-store.ts'
import type { Expiring, RecordStore } from './record-store.ts'
import { SealedStore, type SealedStoreSettings } from './sealed-store.ts'
import type { Store } from './store.ts'

/** @throws `invalid_option` if the value is not a store, naming the option */
export function readStore(value: unknown, option: string): Store | MemoryStore {
  if (value instanceof MemoryStore) return value
  for (const method of ['get', 'set', 'swap', 'delete'] as const) {
    if (typeof (value as Partial<Store> | null | undefined)?.[method] === 'function') continue
    refuseOption(
      `${option} has no method ${method}(). Write redisStore(client), postgresStore(pool), memoryStore(), or a Store of your own.`,
    )
  }
  return value as Store // every method was checked
}

export interface OpenStoreSettings<R> extends SealedStoreSettings<R> {
  /** Groups records: a full memory store removes from the largest group. Default: one group. */
  readonly shareOf?: ((record: R) => string) | undefined
}

/** The records of one flow in the store that the app chose. */
export function openStore<R extends Expiring>(
  store: Store | MemoryStore,
  { shareOf, ...settings }: OpenStoreSettings<R>,
): RecordStore<R> {
  if (!(store instanceof MemoryStore)) return new SealedStore(store, settings)
  // A memory store takes any record, and the flows never share an id.
  const own = store as unknown as MemoryStore<R>
  if (shareOf !== undefined) own.divideBy(shareOf)
  return own
}
