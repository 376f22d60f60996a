import { randomToken } from '../shared/random.ts'
import { Leases } from '../store/leases.ts'
import type { Expiring, RecordStore } from '../store/record-store.ts'

/** Where the person went after a login. */
export interface Landing extends Expiring {
  readonly location: string
  /** The server whose people fill the store with landings. */
  readonly fhirBaseUrl: string
}

/** A callback's turn at its login. */
export interface Turn {
  /** Only the first one may use the code. */
  readonly isFirst: boolean
  /** Whether another callback of this login was at work when this one came. */
  readonly hasWaited: boolean
  /** Lets the next one in. */
  end(): Promise<void>
}

/**
 * The code of a login is exchanged once, however often its callback comes: in this process, or in all that share the
 * store. A callback that comes again learns where the first one went. What is kept ends with the time that a login may
 * take.
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
   * One callback of a login at a time.
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

  /** Remembers where the first callback of a login went. Where that fails, a second one goes to the home page. */
  async land(state: string, landing: Landing): Promise<void> {
    try {
      await this.#store.set(landingOf(state), landing)
    } catch {
      // The login is good without it.
    }
  }

  async landingOf(state: string): Promise<string | undefined> {
    return (await this.#store.get(landingOf(state)))?.location
  }

  /** Whether a callback has used this login already, in whichever browser. */
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
