import { randomToken } from '../shared/random.ts'
import { Leases } from '../store/leases.ts'
import type { Expiring, RecordStore } from '../store/record-store.ts'

/** The page that a person was sent to after a login. */
export interface Landing extends Expiring {
  readonly location: string
  /** The server of the login, for the store's limits. */
  readonly fhirBaseUrl: string
}

/** The turn of a callback: only one callback of a login is handled at a time. */
export interface Turn {
  /** Only the first callback may use the code. */
  readonly isFirst: boolean
  /** Whether it had to wait for another callback of the same login. */
  readonly hasWaited: boolean
  /** Ends the turn. */
  end(): Promise<void>
}

/**
 * Makes sure that the code of a login is exchanged only once, however often its callback comes, in all processes that share
 * the store. A repeated callback is sent to the same page as the first one. Records are kept for as long as a login may take.
 */
export class FinishedLogins {
  readonly #store: RecordStore<Landing>
  readonly #leases: Leases

  /** @param workSeconds - how long the exchange of a code may take */
  constructor(store: RecordStore<Landing>, workSeconds: number) {
    this.#store = store
    this.#leases = new Leases(store, workSeconds)
  }

  /**
   * Waits for the turn of a callback.
   *
   * @param secondsLeft - how long the login could still take
   * @throws `session_store_failed`
   */
  async take(state: string, secondsLeft: number): Promise<Turn> {
    let hasWaited = false
    const lease = await this.#leases.take<never>(`callback ${state}`, async () => {
      hasWaited = true
      return undefined
    })
    const end = () => lease.giveBack()
    try {
      const seconds = Math.max(1, Math.ceil(secondsLeft))
      return { isFirst: await this.#store.claim(claimOf(state), randomToken(), seconds), hasWaited, end }
    } catch (error) {
      await end()
      throw error
    }
  }

  /** Remembers where the first callback of a login was sent. If that fails, a second one goes to the home page. */
  async land(state: string, landing: Landing): Promise<void> {
    try {
      await this.#store.set(landingOf(state), landing)
    } catch {
      // The login is valid without it.
    }
  }

  async landingOf(state: string): Promise<string | undefined> {
    return (await this.#store.get(landingOf(state)))?.location
  }

  /** Whether a callback has used this login already, in any browser. */
  async isUsed(state: string): Promise<boolean> {
    return (await this.#store.holderOf(claimOf(state))) !== undefined
  }
}

function claimOf(state: string): string {
  return `login ${state}`
}

function landingOf(state: string): string {
  return `landing ${state}`
}
