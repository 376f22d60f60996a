import { FhirAuthError } from '../errors.ts'
import { randomToken } from '../shared/random.ts'
import type { NameStore } from './record-store.ts'

/** Whoever waits for this long and sees no sign of the holder takes the lease. */
const TERM_SECONDS = 5
const SIGNS_PER_TERM = 3
/**
 * How long the store keeps a lease without a sign. The store may be away for that long, and no other process takes the
 * lease before its holder could go on.
 */
const KEPT_SECONDS = 60
const POLL_MILLISECONDS = 50
/** The most that one look counts for. A process that was suspended did not watch the holder in that time. */
const MOST_PER_LOOK_MILLISECONDS = 250
const GIVE_BACK_SECONDS = 0.5
const MOST_OWED = 10_000

/** A lease that is held. */
export interface Lease {
  /** Ends it. Never rejects: what the store does not take now is given back later. */
  giveBack(): Promise<void>
}

/** A lease that ended here, though the store may not know it yet. */
interface OwedLease {
  readonly name: string
  /** The names under which the store may know the owner. */
  readonly owners: readonly string[]
}

/**
 * One worker for each name at a time, in all processes that share the store. A lease only saves work from being done
 * twice. That writers never overwrite each other is up to `RecordStore.replace`, even where a lease was lost.
 */
export class Leases {
  readonly #store: NameStore
  readonly #waitSeconds: number
  readonly #owed = new Set<OwedLease>()
  #isGivingBack = false

  /** @param workSeconds - how long the work may take. A caller waits for that, and for the term of a holder that died. */
  constructor(store: NameStore, workSeconds: number) {
    this.#store = store
    this.#waitSeconds = workSeconds + TERM_SECONDS
  }

  /** @throws `session_store_failed` when the holder does not finish, and what `work` throws */
  async hold<T>(name: string, work: () => Promise<T>): Promise<T> {
    const lease = await this.take(name)
    try {
      return await work()
    } finally {
      await lease.giveBack()
    }
  }

  /** @throws `session_store_failed` when the holder does not finish */
  take(name: string): Promise<Lease>
  /**
   * @param otherwise - asked while another holds the lease: an answer ends the wait
   * @returns the lease, or the answer
   * @throws `session_store_failed` when the holder does not finish, and what `otherwise` throws
   */
  take<T>(name: string, otherwise: () => Promise<T | undefined>): Promise<Lease | T>
  async take<T>(name: string, otherwise?: () => Promise<T | undefined>): Promise<Lease | T> {
    const key = `lock ${name}`
    const owner = randomToken()
    let answer: T | undefined
    try {
      answer = await this.#wait(key, owner, otherwise)
    } catch (error) {
      // The store may have taken it, and its answer been too late.
      void this.#giveBack({ name: key, owners: [owner] })
      throw error
    }
    if (answer !== undefined) return answer
    const signs = this.#showSigns(key, owner)
    return { giveBack: async () => this.#giveBack({ name: key, owners: await signs.end() }) }
  }

  /** @returns undefined once the lease is ours */
  async #wait<T>(
    name: string,
    owner: string,
    otherwise: (() => Promise<T | undefined>) | undefined,
  ): Promise<T | undefined> {
    if (await this.#store.claim(name, owner, KEPT_SECONDS)) return undefined
    let lastMark: string | undefined
    let withoutSign = 0
    let waited = 0
    let lookedAt = performance.now()
    while (waited < this.#waitSeconds * 1000) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
      const answer = await otherwise?.()
      if (answer !== undefined) return answer
      const mark = await this.#store.holderOf(name)
      const now = performance.now()
      const passed = Math.min(now - lookedAt, MOST_PER_LOOK_MILLISECONDS)
      lookedAt = now
      waited += passed
      if (mark === undefined) {
        if (await this.#store.claim(name, owner, KEPT_SECONDS)) return undefined
        continue
      }
      withoutSign = mark === lastMark ? withoutSign + passed : 0
      lastMark = mark
      if (withoutSign < TERM_SECONDS * 1000) continue
      if (await this.#store.takeOver(name, mark, owner, KEPT_SECONDS)) return undefined
    }
    throw new FhirAuthError('session_store_failed', 'Another request has held this session for too long. Try again.')
  }

  /** Changes the owner's name now and then: the sign that it is alive. Ends with the names that may be in the store. */
  #showSigns(name: string, first: string): { end(): Promise<readonly string[]> } {
    let owners: readonly string[] = [first]
    let isBusy = false
    let lastSign = Promise.resolve()
    const show = async () => {
      const next = randomToken()
      const known = owners
      // Noted before it is tried, for the answer may be lost.
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
        // Where it fails the lease may be lost, and `replace` still protects the record.
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
        // One under way would put the lease back under a name that nobody gives back.
        await lastSign
        return owners
      },
    }
  }

  /** What the store does not take now is given back later, so that nobody has to wait for the end of a term. */
  async #giveBack(lease: OwedLease): Promise<void> {
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

  async #release({ name, owners }: OwedLease): Promise<boolean> {
    try {
      for (const owner of owners) await this.#store.release(name, owner)
      return true
    } catch {
      return false
    }
  }
}
