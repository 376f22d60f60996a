import { FhirAuthError } from '../errors.ts'
import { randomToken } from '../shared/random.ts'
import type { RecordStore } from './store.ts'

/** Whoever looks for this long and sees no sign of the holder takes the lock. */
const TERM_SECONDS = 5
const SIGNS_PER_TERM = 3
/**
 * How long the store keeps a lock without a sign: so long may it be away, and no other process takes the lock before the
 * holder has had its chance to go on.
 */
const KEPT_SECONDS = 60
const POLL_MILLISECONDS = 50
/** One look counts for no more, however long ago the last one was: who stood still has not looked. */
const MOST_PER_LOOK_MILLISECONDS = 250
const GIVE_BACK_SECONDS = 0.5
const MOST_OWED = 10_000

interface Lease {
  readonly name: string
  /** The names under which the store may know the owner. */
  readonly owners: readonly string[]
}

/**
 * One writer per session at a time, in all processes that share the store. It only keeps writers from doing work twice;
 * that they never overwrite each other is up to `RecordStore.replace`, even where a lock was lost.
 */
export class SessionLock {
  readonly #store: RecordStore
  readonly #waitSeconds: number
  readonly #owed = new Set<Lease>()
  #isGivingBack = false

  /** @param workSeconds - how long the work under the lock may take; a caller waits for that and a dead holder's term */
  constructor(store: RecordStore, workSeconds: number) {
    this.#store = store
    this.#waitSeconds = workSeconds + TERM_SECONDS
  }

  /** @throws `session_store_failed` when whoever holds the lock does not finish, and what `work` throws */
  async hold<T>(id: string, work: () => Promise<T>): Promise<T> {
    const name = `lock ${id}`
    const owner = randomToken()
    try {
      await this.#take(name, owner)
    } catch (error) {
      // The store may have taken it, and its answer been too late.
      void this.#giveBack({ name, owners: [owner] })
      throw error
    }
    const signs = this.#showSigns(name, owner)
    try {
      return await work()
    } finally {
      await this.#giveBack({ name, owners: await signs.end() })
    }
  }

  /** Changes the owner's name now and then: the sign that it lives. Ends with the names that may be in the store. */
  #showSigns(name: string, first: string): { end(): Promise<readonly string[]> } {
    let owners: readonly string[] = [first]
    let isBusy = false
    let lastSign = Promise.resolve()
    const show = async () => {
      const next = randomToken()
      const known = owners
      // Known before it is tried, for the answer may be lost.
      owners = [next, ...known]
      for (const owner of known) {
        if (!(await this.#store.renew(name, owner, next, KEPT_SECONDS))) continue
        owners = [next]
        return
      }
      if (await this.#store.claim(name, next, KEPT_SECONDS)) owners = [next]
    }
    const timer = setInterval(
      () => {
        if (isBusy) return
        isBusy = true
        // Where it fails the lock may be lost, and `replace` still protects the session.
        lastSign = show()
          .catch(() => {})
          .finally(() => {
            isBusy = false
          })
      },
      (TERM_SECONDS * 1000) / SIGNS_PER_TERM,
    )
    return {
      end: async () => {
        clearInterval(timer)
        // One under way would put the lock back under a name that nobody gives back.
        await lastSign
        return owners
      },
    }
  }

  /** What cannot be given back now, since the store is away, is given back later: nobody shall wait for its term. */
  async #giveBack(lease: Lease): Promise<void> {
    if (await this.#release(lease)) return
    if (this.#owed.size < MOST_OWED) this.#owed.add(lease)
    if (this.#isGivingBack) return
    this.#isGivingBack = true
    void this.#giveBackOwed().finally(() => {
      this.#isGivingBack = false
    })
  }

  async #giveBackOwed(): Promise<void> {
    for (let waited = 0; waited < KEPT_SECONDS && this.#owed.size > 0; waited += GIVE_BACK_SECONDS) {
      await new Promise((resolve) => setTimeout(resolve, GIVE_BACK_SECONDS * 1000))
      for (const lease of this.#owed) {
        if (!(await this.#release(lease))) break
        this.#owed.delete(lease)
      }
    }
    this.#owed.clear()
  }

  async #release({ name, owners }: Lease): Promise<boolean> {
    try {
      for (const owner of owners) await this.#store.release(name, owner)
      return true
    } catch {
      return false
    }
  }

  async #take(name: string, owner: string): Promise<void> {
    if (await this.#store.claim(name, owner, KEPT_SECONDS)) return
    let lastMark: string | undefined
    let withoutSign = 0
    let waited = 0
    let lookedAt = performance.now()
    while (waited < this.#waitSeconds * 1000) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
      const mark = await this.#store.holderOf(name)
      const now = performance.now()
      const passed = Math.min(now - lookedAt, MOST_PER_LOOK_MILLISECONDS)
      lookedAt = now
      waited += passed
      if (mark === undefined) {
        if (await this.#store.claim(name, owner, KEPT_SECONDS)) return
        continue
      }
      withoutSign = mark === lastMark ? withoutSign + passed : 0
      lastMark = mark
      if (withoutSign < TERM_SECONDS * 1000) continue
      if (await this.#store.takeOver(name, mark, owner, KEPT_SECONDS)) return
    }
    throw new FhirAuthError('session_store_failed', 'Another request has held this session for too long.')
  }
}
