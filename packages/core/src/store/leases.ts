import { FhirAuthError } from '../errors.ts'
import { randomToken } from '../shared/random.ts'
import type { NameStore } from './record-store.ts'

/** If the holder has not renewed its lease for this long, somebody who waits takes it. */
const TERM_SECONDS = 5
const RENEWALS_PER_TERM = 3
/**
 * How long the store keeps a lease that is not renewed. It is longer than a term, so that a holder keeps its lease while
 * the store is down for a short time.
 */
const KEPT_SECONDS = 60
const POLL_MILLISECONDS = 50
/** The most that one poll counts for. A process that was suspended did not watch the holder in that time. */
const MAX_PER_POLL_MILLISECONDS = 250
const GIVE_BACK_SECONDS = 0.5
const MAX_OWED = 10_000

/** A lease that is held. */
export interface Lease {
  /** Ends it. Never rejects: if the store fails, it is given back later. */
  giveBack(): Promise<void>
}

/** A lease that has ended here, but perhaps not yet in the store. */
interface OwedLease {
  readonly name: string
  /** The owner may be stored under any of these names. */
  readonly owners: readonly string[]
}

/**
 * Locks: one holder for each name at a time, in all processes that share the store. A lease only prevents double work. It can
 * be lost, so it does not protect records: `RecordStore.replace` makes sure that writers never overwrite each other.
 */
export class Leases {
  readonly #store: NameStore
  readonly #waitSeconds: number
  readonly #owed = new Set<OwedLease>()
  #isGivingBack = false

  /** @param workSeconds - how long the work may take. Callers wait for that long, plus a term for a holder that died. */
  constructor(store: NameStore, workSeconds: number) {
    this.#store = store
    this.#waitSeconds = workSeconds + TERM_SECONDS
  }

  /** @throws `session_store_failed` if the holder does not finish in time */
  take(name: string): Promise<Lease>
  /**
   * @param otherwise - called while another holds the lease; its result, unless undefined, ends the wait
   * @returns the lease, or the result of `otherwise`
   * @throws `session_store_failed` if the holder does not finish in time, and what `otherwise` throws
   */
  take<T>(name: string, otherwise: () => Promise<T | undefined>): Promise<Lease | T>
  async take<T>(name: string, otherwise?: () => Promise<T | undefined>): Promise<Lease | T> {
    const key = `lock ${name}`
    const owner = randomToken()
    let answer: T | undefined
    try {
      answer = await this.#wait(key, owner, otherwise)
    } catch (error) {
      // The store may have written the claim, though its reply came too late.
      void this.#giveBack({ name: key, owners: [owner] })
      throw error
    }
    if (answer !== undefined) return answer
    const renewals = this.#keepRenewing(key, owner)
    return { giveBack: async () => this.#giveBack({ name: key, owners: await renewals.end() }) }
  }

  /** @returns undefined once the lease is ours */
  async #wait<T>(
    name: string,
    owner: string,
    otherwise: (() => Promise<T | undefined>) | undefined,
  ): Promise<T | undefined> {
    if (await this.#store.claim(name, owner, KEPT_SECONDS)) return undefined
    let lastMark: string | undefined
    let unchanged = 0
    let waited = 0
    let polledAt = performance.now()
    while (waited < this.#waitSeconds * 1000) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS))
      const answer = await otherwise?.()
      if (answer !== undefined) return answer
      const mark = await this.#store.holderOf(name)
      const now = performance.now()
      const passed = Math.min(now - polledAt, MAX_PER_POLL_MILLISECONDS)
      polledAt = now
      waited += passed
      if (mark === undefined) {
        if (await this.#store.claim(name, owner, KEPT_SECONDS)) return undefined
        continue
      }
      unchanged = mark === lastMark ? unchanged + passed : 0
      lastMark = mark
      if (unchanged < TERM_SECONDS * 1000) continue
      if (await this.#store.takeOver(name, mark, owner, KEPT_SECONDS)) return undefined
    }
    throw new FhirAuthError('session_store_failed', 'Another request has locked this session for too long. Try again.')
  }

  /**
   * Renews a lease regularly, each time under a new owner name. Waiting processes see the change, and know that the holder is
   * alive. `end()` stops it and returns the names that may be in the store.
   */
  #keepRenewing(name: string, first: string): { end(): Promise<readonly string[]> } {
    let owners: readonly string[] = [first]
    let isBusy = false
    let lastRenewal = Promise.resolve()
    const renew = async () => {
      const next = randomToken()
      const known = owners
      // Added before the call, because the store may write the name and its reply may be lost.
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
        // If it fails, the lease may be lost; `replace` still protects the record.
        lastRenewal = renew()
          .catch(() => {})
          .finally(() => {
            isBusy = false
          })
      },
      (TERM_SECONDS * 1000) / RENEWALS_PER_TERM,
    )
    return {
      end: async () => {
        clearInterval(timer)
        // Otherwise a renewal that is still running could take the lease again after it was given back.
        await lastRenewal
        return owners
      },
    }
  }

  /** If the store fails, tries again later, so that nobody has to wait for the end of a term. */
  async #giveBack(lease: OwedLease): Promise<void> {
    if (await this.#release(lease)) return
    if (this.#owed.size < MAX_OWED) this.#owed.add(lease)
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
