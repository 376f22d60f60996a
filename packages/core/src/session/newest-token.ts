import { FhirAuthError } from '../errors.ts'
import type { TokenSource } from '../fhir/fhir-fetch.ts'
import { isUsable } from '../oauth/token-lifetime.ts'
import type { RecordStore } from '../store/store.ts'
import type { LaunchRecord } from './record.ts'
import type { Refresher } from './refresher.ts'

/** Moves remembered: a handler that still runs when its browser logs in once more keeps its token. */
const MAX_MOVES = 1000

/** The newest token of each session, for `fhir.fetch`, however old the context is that asks. */
export class NewestTokens {
  readonly #store: RecordStore
  readonly #refresher: Refresher
  readonly #now: () => number
  readonly #moves = new Map<string, string>()

  constructor(store: RecordStore, refresher: Refresher, now: () => number) {
    this.#store = store
    this.#refresher = refresher
    this.#now = now
  }

  of(sessionId: string, launchId: string): TokenSource {
    return {
      current: async () => {
        const { id, launch } = await this.#newest(sessionId, launchId)
        if (launch && isUsable(launch, this.#now())) return launch.accessToken
        const renewed = launch?.refreshToken ? await this.#refresher.renew(id, launchId) : undefined
        if (renewed) return renewed.accessToken
        throw new FhirAuthError('session_ended', 'The session has ended. The person must log in again.')
      },
      replace: async (refused) => {
        const { id, launch } = await this.#newest(sessionId, launchId)
        if (launch && launch.accessToken !== refused) return launch.accessToken
        if (!launch?.refreshToken) return undefined
        return (await this.#refresher.renew(id, launchId, refused))?.accessToken
      },
    }
  }

  /** A login has moved a session to a new id. Contexts follow, cookies never do. */
  follow(from: string, to: string): void {
    this.#moves.set(from, to)
    if (this.#moves.size <= MAX_MOVES) return
    for (const oldest of this.#moves.keys()) {
      this.#moves.delete(oldest)
      return
    }
  }

  async #newest(sessionId: string, launchId: string): Promise<{ id: string; launch: LaunchRecord | undefined }> {
    let id = sessionId
    for (let next = this.#moves.get(id); next !== undefined; next = this.#moves.get(id)) id = next
    const session = await this.#sessionOf(id)
    return { id, launch: session?.launches.find((launch) => launch.launchId === launchId) }
  }

  /** While the store is away, what was seen last serves as long as its token does. */
  async #sessionOf(id: string) {
    try {
      return await this.#store.get(id)
    } catch (error) {
      const known = this.#store.recall(id)
      if (known === undefined) throw error
      return known
    }
  }
}
