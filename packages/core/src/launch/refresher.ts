import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import type { Emit } from '../events.ts'
import { refreshGrant } from '../oauth/grants.ts'
import type { BackChannel } from '../oauth/token-request.ts'
import { isDueForRenewal } from '../token-lifetime.ts'
import { endedLaunch, type RecordSources, recordRefresh } from './launch-record.ts'
import type { SessionLock } from './session-lock.ts'
import type { LaunchRecord, RecordStore } from './stores/session-store.ts'

/** What a refresh works with: the client and server that a launch belongs to. */
export type SourcesOfLaunch = (launch: LaunchRecord) => Promise<RecordSources>

export interface RefresherParts {
  readonly store: RecordStore
  readonly lock: SessionLock
  readonly sourcesOf: SourcesOfLaunch
  readonly channel: BackChannel
  readonly emit: Emit
  /** Told of each refreshed launch before its token is used. */
  readonly onRefreshed: (id: string, launch: LaunchRecord) => void | Promise<void>
}

/** After a failed refresh, the next one waits this long, unless the server names a time. */
const PAUSE_SECONDS = 5
/** A rotated refresh token that the store does not take at once is offered again after these waits, in seconds. */
const WRITE_RETRIES = [0.1, 0.3, 1, 2, 4, 8, 15]

/**
 * Refreshes tokens: one refresh per session at a time, across processes; the rotated refresh token is stored before its
 * access token is used. `invalid_grant`, or an
 * id_token of another person, ends the launch; a network fault or a 5xx never does.
 */
export class Refresher {
  readonly #parts: RefresherParts
  readonly #inFlight = new Map<string, Promise<LaunchRecord | undefined>>()
  readonly #paused = new Map<string, { until: number; error: FhirAuthError }>()

  constructor(parts: RefresherParts) {
    this.#parts = parts
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
    if (pause && pause.until > this.#parts.channel.now()) return Promise.reject(pause.error)
    const flight = this.#renewLocked(key, id, launchId, refused).finally(() => this.#inFlight.delete(key))
    this.#inFlight.set(key, flight)
    return flight
  }

  /** Never rejects: whoever needs the token when the old one has expired gets the error then. */
  async renewInBackground(id: string, launchId: string): Promise<void> {
    await this.renew(id, launchId).catch(() => {})
  }

  async #renewLocked(key: string, id: string, launchId: string, refused?: string): Promise<LaunchRecord | undefined> {
    try {
      const renewed = await this.#parts.lock.hold(id, () => this.#renewOnce(id, launchId, refused))
      this.#paused.delete(key)
      return renewed
    } catch (error) {
      throw this.#pause(key, error)
    }
  }

  async #renewOnce(id: string, launchId: string, refused?: string): Promise<LaunchRecord | undefined> {
    const { sourcesOf, channel, emit, onRefreshed } = this.#parts
    // Read under the lock: another process may have renewed it since.
    const launch = await this.#find(id, launchId)
    if (!launch?.refreshToken) return undefined
    const isRenewed = refused === undefined ? !isDueForRenewal(launch, channel.now()) : launch.accessToken !== refused
    if (isRenewed) return launch
    const origin = { fhirBaseUrl: launch.fhirBaseUrl, clientId: launch.clientId, launchId }
    try {
      const sources = await sourcesOf(launch)
      const request = { refreshToken: launch.refreshToken, grantedScope: launch.scope }
      const response = await refreshGrant(sources.client, request, sources.server, channel)
      const renewed = await this.#keep(id, launch, await recordRefresh(launch, response, sources))
      if (!renewed) return undefined
      emit({ type: 'refresh', ...origin })
      await onRefreshed(id, renewed)
      return renewed
    } catch (cause) {
      const error = asFhirAuthError(cause, 'token_unavailable', 'The token could not be renewed.')
      const reason = error.code === 'invalid_id_token' ? error.code : error.error
      if (reason !== 'invalid_grant' && reason !== 'invalid_id_token') {
        emit({ type: 'refresh_failed', ...origin, error })
        throw error
      }
      await this.#end(id, launchId)
      emit({ type: 'launch_ended', ...origin, reason })
      return undefined
    }
  }

  /**
   * Stores the renewed launch, and tries again where the store is away: the server has already forgotten the old refresh
   * token. A lock that ran out meanwhile does no harm: what another process wrote since is kept.
   */
  async #keep(id: string, before: LaunchRecord, renewed: LaunchRecord): Promise<LaunchRecord | undefined> {
    const { store } = this.#parts
    const waits = [...WRITE_RETRIES]
    for (;;) {
      try {
        const session = await store.get(id)
        const current = session?.launches.find(({ launchId }) => launchId === before.launchId)
        // Logged out meanwhile.
        if (!session || !current) return undefined
        // Written by an earlier try whose answer came too late, or by another process.
        if (current.refreshToken !== before.refreshToken || current.accessToken === renewed.accessToken) return current
        const launches = session.launches.map((launch) => (launch === current ? renewed : launch))
        const next = Object.freeze({ ...session, launches: Object.freeze(launches) })
        if (await store.replace(id, session, next)) return renewed
      } catch (error) {
        const wait = waits.shift()
        if (wait === undefined) throw error
        await new Promise((resolve) => setTimeout(resolve, wait * 1000))
      }
    }
  }

  async #end(id: string, launchId: string): Promise<void> {
    const { store } = this.#parts
    for (;;) {
      const session = await store.get(id)
      if (!session) return
      const launches = session.launches.map((launch) => (launch.launchId === launchId ? endedLaunch(launch) : launch))
      if (await store.replace(id, session, Object.freeze({ ...session, launches: Object.freeze(launches) }))) return
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
    const now = this.#parts.channel.now()
    for (const [old, { until }] of this.#paused) if (until <= now) this.#paused.delete(old)
    this.#paused.set(key, { until: now + seconds * 1000, error })
    return error
  }

  async #find(id: string, launchId: string): Promise<LaunchRecord | undefined> {
    return (await this.#parts.store.get(id))?.launches.find((launch) => launch.launchId === launchId)
  }
}
