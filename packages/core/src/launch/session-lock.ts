import { FhirAuthError } from '../errors.ts'
import type { RecordStore } from './stores/session-store.ts'

const POLL_MILLISECONDS = 50

/**
 * One writer per session at a time, in all processes that share the store. A process that dies with the lock keeps it
 * for a short time only.
 */
export class SessionLock {
  readonly #store: RecordStore
  readonly #waitSeconds: number

  /** @param waitSeconds - how long a caller waits; the lock is kept for three times that */
  constructor(store: RecordStore, waitSeconds: number) {
    this.#store = store
    this.#waitSeconds = waitSeconds
  }

  /** @throws `session_store_failed` when whoever holds the lock does not finish, and what `work` throws */
  async hold<T>(id: string, work: () => Promise<T>): Promise<T> {
    const key = `lock ${id}`
    for (let waited = 0; !(await this.#store.claim(key, 3 * this.#waitSeconds)); waited += POLL_MILLISECONDS) {
      if (waited >= this.#waitSeconds * 1000) {
        throw new FhirAuthError('session_store_failed', 'Another request has held this session for too long.')
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
    }
    try {
      return await work()
    } finally {
      // When the store is down, the lock runs out by itself.
      await Promise.resolve(this.#store.delete(key)).catch(() => {})
    }
  }
}
