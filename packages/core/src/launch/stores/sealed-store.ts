import { asFhirAuthError } from '../../errors.ts'
import { createSealer, hashedName, type Sealer } from '../sealing.ts'
import type { RecordStore, SessionRecord, SessionStore } from './session-store.ts'

/**
 * Puts sessions into a shared store so that the store learns nothing: values encrypted and bound to their session id,
 * keys hashed.
 *
 * @throws from its methods `session_store_failed`, with the store's own error as cause
 */
export function sealedStore(store: SessionStore, secrets: readonly string[], now: () => number): RecordStore {
  // The id is part of the sealing, so a value copied under another session's key does not open.
  const sealer: Sealer = createSealer(secrets, 'session')
  return {
    async get(id) {
      const key = await hashedName(id)
      const sealed = await guarded(() => store.get(key))
      const content = typeof sealed === 'string' ? await sealer.open(sealed) : undefined
      if (content?.id !== id) return undefined
      const record = content.record as SessionRecord
      return record.expiresAt > now() ? record : undefined
    },
    async set(id, record) {
      const key = await hashedName(id)
      const value = await sealer.seal({ id, record })
      const ttlSeconds = Math.max(1, Math.ceil((record.expiresAt - now()) / 1000))
      await guarded(() => store.set(key, value, ttlSeconds))
    },
    async delete(key) {
      const name = await hashedName(key)
      await guarded(() => store.delete(name))
    },
    async claim(key, ttlSeconds) {
      const name = await hashedName(key)
      return guarded(() => store.claim(name, ttlSeconds))
    },
  }
}

async function guarded<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw asFhirAuthError(error, 'session_store_failed', 'The session store failed. Check that it is up and reachable.')
  }
}
