import { FhirAuthError } from '../errors.ts'
import { randomToken } from '../oauth/pkce.ts'
import type { RecordStore } from './stores/session-store.ts'

/** A process that dies with the lock keeps it this long; one that lives renews it. */
const LOCK_SECONDS = 5
const RENEWALS_PER_TERM = 3
const POLL_MILLISECONDS = 50

/**
 * One writer per session at a time, in all processes that share the store. It only keeps writers from doing work twice;
 * that they never overwrite each other is up to `RecordStore.replace`, even where a lock was lost.
 */
export class SessionLock {
  readonly #store: RecordStore
  readonly #waitSeconds: number

  /** @param workSeconds - how long the work under the lock may take; a caller waits for that and a dead holder's term */
  constructor(store: RecordStore, workSeconds: number) {
    this.#store = store
    this.#waitSeconds = workSeconds + LOCK_SECONDS
  }

  /** @throws `session_store_failed` when whoever holds the lock does not finish, and what `work` throws */
  async hold<T>(id: string, work: () => Promise<T>): Promise<T> {
    const name = `lock ${id}`
    const owner = randomToken()
    await this.#take(name, owner)
    const renewal = setInterval(
      // Where it fails the lock runs out, and `replace` still protects the session.
      () => void Promise.resolve(this.#store.claim(name, owner, LOCK_SECONDS)).catch(() => {}),
      (LOCK_SECONDS * 1000) / RENEWALS_PER_TERM,
    )
    try {
      return await work()
    } finally {
      clearInterval(renewal)
      await Promise.resolve(this.#store.release(name, owner)).catch(() => {})
    }
  }

  async #take(name: string, owner: string): Promise<void> {
    for (let waited = 0; ; waited += POLL_MILLISECONDS) {
      if (await this.#store.claim(name, owner, LOCK_SECONDS)) return
      if (waited >= this.#waitSeconds * 1000) {
        throw new FhirAuthError('session_store_failed', 'Another request has held this session for too long.')
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
    }
  }
}
