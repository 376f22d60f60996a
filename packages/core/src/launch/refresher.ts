import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import { refreshGrant } from '../oauth/grants.ts'
import type { BackChannel } from '../oauth/token-request.ts'
import { isDueForRenewal } from '../token-lifetime.ts'
import { type RecordSources, recordRefresh } from './launch-record.ts'
import type { SessionLock } from './session-lock.ts'
import type { LaunchRecord, RecordStore } from './stores/session-store.ts'

/** What a refresh works with: the client and server that a launch belongs to. */
export type SourcesOfLaunch = (launch: LaunchRecord) => Promise<RecordSources>

/** After a failed refresh, the next one waits this long, unless the server names a time. */
const PAUSE_SECONDS = 5

/**
 * Refreshes tokens: one refresh per session at a time, across processes; the rotated refresh token stored before its access token is used.
 * `invalid_grant` ends the launch; a network fault or a 5xx never does.
 */
export class Refresher {
  readonly #store: RecordStore
  readonly #lock: SessionLock
  readonly #sourcesOf: SourcesOfLaunch
  readonly #channel: BackChannel
  readonly #inFlight = new Map<string, Promise<LaunchRecord | undefined>>()
  readonly #paused = new Map<string, { until: number; error: FhirAuthError }>()

  constructor(store: RecordStore, lock: SessionLock, sourcesOf: SourcesOfLaunch, channel: BackChannel) {
    this.#store = store
    this.#lock = lock
    this.#sourcesOf = sourcesOf
    this.#channel = channel
  }

  /**
   * The launch with a valid token, or undefined when it has ended and the person must log in again.
   *
   * @param refused - an access token that the FHIR server no longer takes, however long it says it lives
   * @throws `token_unavailable` with the reason as cause; the session stays
   */
  renew(id: string, launchId: string, refused?: string): Promise<LaunchRecord | undefined> {
    const key = `${id} ${launchId}`
    const known = this.#inFlight.get(key)
    if (known) return known
    const pause = this.#paused.get(key)
    if (pause && pause.until > this.#channel.now()) return Promise.reject(pause.error)
    const flight = this.#renewLocked(key, id, launchId, refused).finally(() => this.#inFlight.delete(key))
    this.#inFlight.set(key, flight)
    return flight
  }

  renewInBackground(id: string, launchId: string): void {
    // Whoever needs the token when the old one has expired gets the error then.
    this.renew(id, launchId).catch(() => {})
  }

  async #renewLocked(key: string, id: string, launchId: string, refused?: string): Promise<LaunchRecord | undefined> {
    try {
      const renewed = await this.#lock.hold(id, () => this.#renewOnce(id, launchId, refused))
      this.#paused.delete(key)
      return renewed
    } catch (error) {
      throw this.#pause(key, error)
    }
  }

  async #renewOnce(id: string, launchId: string, refused?: string): Promise<LaunchRecord | undefined> {
    // Read under the lock: another process may have renewed it since.
    const launch = await this.#find(id, launchId)
    if (!launch?.refreshToken) return undefined
    const isRenewed =
      refused === undefined ? !isDueForRenewal(launch, this.#channel.now()) : launch.accessToken !== refused
    if (isRenewed) return launch
    const sources = await this.#sourcesOf(launch)
    const request = { refreshToken: launch.refreshToken, grantedScope: launch.scope }
    try {
      const response = await refreshGrant(sources.client, request, sources.server, this.#channel)
      const renewed = await recordRefresh(launch, response, sources)
      return (await this.#replace(id, renewed)) ? renewed : undefined
    } catch (error) {
      if (!(error instanceof FhirAuthError && error.error === 'invalid_grant')) throw error
      await this.#remove(id, launchId)
      return undefined
    }
  }

  #pause(key: string, cause: unknown): FhirAuthError {
    const reason = asFhirAuthError(cause, 'token_unavailable', 'The token could not be renewed.')
    const seconds = reason.retryAfterSeconds ?? PAUSE_SECONDS
    const error = new FhirAuthError(
      'token_unavailable',
      `The session's token could not be renewed: ${reason.message}`,
      {
        cause: reason,
        retryAfterSeconds: seconds,
      },
    )
    const now = this.#channel.now()
    for (const [old, { until }] of this.#paused) if (until <= now) this.#paused.delete(old)
    this.#paused.set(key, { until: now + seconds * 1000, error })
    return error
  }

  async #find(id: string, launchId: string): Promise<LaunchRecord | undefined> {
    return (await this.#store.get(id))?.launches.find((launch) => launch.launchId === launchId)
  }

  /** Writes one launch into the session as it is now; false when the person has logged out meanwhile. */
  async #replace(id: string, renewed: LaunchRecord): Promise<boolean> {
    const session = await this.#store.get(id)
    if (!session) return false
    const launches = session.launches.map((launch) => (launch.launchId === renewed.launchId ? renewed : launch))
    await this.#store.set(id, Object.freeze({ ...session, launches: Object.freeze(launches) }))
    return true
  }

  async #remove(id: string, launchId: string): Promise<void> {
    const session = await this.#store.get(id)
    const launches = session?.launches.filter((launch) => launch.launchId !== launchId) ?? []
    if (session && launches.length > 0) await this.#store.set(id, Object.freeze({ ...session, launches }))
    else await this.#store.delete(id)
  }
}
