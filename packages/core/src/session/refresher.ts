import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import type { Emit } from '../events.ts'
import { refreshGrant } from '../oauth/grants.ts'
import { isDueForRenewal } from '../oauth/token-lifetime.ts'
import type { BackChannel } from '../oauth/token-request.ts'
import type { SessionLock } from '../store/lease.ts'
import type { RecordStore } from '../store/store.ts'
import { replaceLaunch } from './change-session.ts'
import type { LaunchRecord } from './record.ts'
import { endedLaunch, type RecordSources, recordRefresh } from './record-launch.ts'

/** What a refresh works with: the client and server that a launch belongs to. */
export type SourcesOfLaunch = (launch: LaunchRecord) => Promise<RecordSources>

export interface RefresherParts {
  readonly store: RecordStore
  readonly lock: SessionLock
  readonly sourcesOf: SourcesOfLaunch
  /** Tells the server that nobody keeps these tokens. */
  readonly revoke: (launch: LaunchRecord) => Promise<void>
  readonly channel: BackChannel
  readonly emit: Emit
  /** Told of each refreshed launch. Whoever waits for its token waits for this. */
  readonly onRefreshed: (id: string, launch: LaunchRecord) => void | Promise<void>
}

/** After a failed refresh, the next one waits this long, unless the server names a time. */
const PAUSE_SECONDS = 5
/**
 * A rotated refresh token that the store does not take is offered again, this often and soon: whichever process reads the
 * old one first when the store is back would use it a second time.
 */
const WRITE_TRIES = 60
const [FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS] = [0.1, 0.5]

interface Flight {
  /** For those who wait for the token: fails at once where the store does not take it. */
  readonly answer: Promise<LaunchRecord | undefined>
  /** When nothing of it is under way any more. Never rejects. */
  readonly end: Promise<void>
}

type GiveUp = (error: unknown) => void

/**
 * Refreshes tokens: one refresh per session at a time, across processes; the rotated refresh token is stored before its
 * access token is used. `invalid_grant`, or an id_token of another person, ends the launch; a network fault or a 5xx
 * never does.
 */
export class Refresher {
  readonly #parts: RefresherParts
  readonly #inFlight = new Map<string, Flight>()
  readonly #paused = new Map<string, { until: number; error: FhirAuthError }>()
  readonly #telling = new Set<string>()

  constructor(parts: RefresherParts) {
    this.#parts = parts
  }

  /**
   * The launch with a valid token, or undefined when it has ended and the person must log in again.
   *
   * @param refused - an access token that the FHIR server no longer takes, however long it says it lives
   * @throws `token_unavailable` with the reason as cause, the session stays; or what the app's own hook threw
   */
  renew(id: string, launchId: string, refused?: string): Promise<LaunchRecord | undefined> {
    const key = keyOf(id, launchId)
    const known = this.#inFlight.get(key)
    if (known) return known.answer
    const pause = this.#paused.get(key)
    if (pause && pause.until > this.#parts.channel.now()) return Promise.reject(pause.error)
    let end = Promise.resolve()
    const answer = new Promise<LaunchRecord | undefined>((resolve, reject) => {
      end = this.#renewAndTell(key, id, launchId, refused, reject).then(resolve, reject)
    })
    this.#inFlight.set(key, { answer, end })
    return answer
  }

  /** When the renewal under way here is over, its last write included. Never rejects. */
  settled(id: string, launchId: string): Promise<void> {
    return this.#inFlight.get(keyOf(id, launchId))?.end ?? Promise.resolve()
  }

  async #renewAndTell(
    key: string,
    id: string,
    launchId: string,
    refused: string | undefined,
    giveUp: GiveUp,
  ): Promise<LaunchRecord | undefined> {
    const { lock, onRefreshed } = this.#parts
    const renewal = await lock
      .hold(id, () => this.#renewOnce(id, launchId, refused, (error) => giveUp(this.#pause(key, error))))
      .catch((error: unknown) => {
        throw this.#pause(key, error)
      })
      .finally(() => this.#inFlight.delete(key))
    this.#paused.delete(key)
    // Without the lock, and not for a refresh that the hook itself has brought about.
    if (renewal?.isNew && !this.#telling.has(key)) {
      this.#telling.add(key)
      try {
        await onRefreshed(id, renewal.launch)
      } finally {
        this.#telling.delete(key)
      }
    }
    return renewal?.launch
  }

  async #renewOnce(
    id: string,
    launchId: string,
    refused: string | undefined,
    giveUp: GiveUp,
  ): Promise<{ launch: LaunchRecord; isNew: boolean } | undefined> {
    const { store, sourcesOf, revoke, channel, emit } = this.#parts
    // Read under the lock: another process may have renewed it since.
    const session = await store.get(id)
    const launch = session?.launches.find((candidate) => candidate.launchId === launchId)
    if (!launch?.refreshToken) return undefined
    const isRenewed = refused === undefined ? !isDueForRenewal(launch, channel.now()) : launch.accessToken !== refused
    if (isRenewed) return { launch, isNew: false }
    const origin = { fhirBaseUrl: launch.fhirBaseUrl, clientId: launch.clientId, launchId }
    try {
      const sources = await sourcesOf(launch)
      const request = { refreshToken: launch.refreshToken, grantedScope: launch.scope }
      const response = await refreshGrant(sources.client, request, sources.server, channel)
      const renewed = await recordRefresh(launch, response, sources)
      const stored = await this.#keep(id, launch, renewed, giveUp)
      if (stored !== renewed) {
        // Logged out meanwhile, or ended.
        if (!stored?.accessToken) await revoke(renewed).catch(() => {})
        return liveOnly(stored)
      }
      emit({ type: 'refresh', ...origin })
      return { launch: renewed, isNew: true }
    } catch (cause) {
      const error = asFhirAuthError(cause, 'token_unavailable', 'The token could not be renewed.')
      const reason = error.code === 'invalid_id_token' ? error.code : error.error
      if (reason !== 'invalid_grant' && reason !== 'invalid_id_token') {
        emit({ type: 'refresh_failed', ...origin, error })
        throw error
      }
      const ended = endedLaunch(launch)
      const stored = await replaceLaunch(store, id, launch, ended)
      if (stored === ended) emit({ type: 'launch_ended', ...origin, reason })
      // Where another process has stored newer tokens, it was only the older ones that the server refused.
      return liveOnly(stored)
    }
  }

  /** Stores the renewed launch, and tries again where the store is away: the server has forgotten the old refresh token. */
  async #keep(
    id: string,
    before: LaunchRecord,
    renewed: LaunchRecord,
    giveUp: GiveUp,
  ): Promise<LaunchRecord | undefined> {
    let wait = FIRST_WAIT_SECONDS
    for (let tries = 1; ; tries++) {
      try {
        return await replaceLaunch(this.#parts.store, id, before, renewed)
      } catch (error) {
        if (tries === WRITE_TRIES) throw error
        giveUp(error)
        const seconds = wait
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
        wait = Math.min(wait * 2, LONGEST_WAIT_SECONDS)
      }
    }
  }

  #pause(key: string, cause: unknown): FhirAuthError {
    const reason = asFhirAuthError(cause, 'token_unavailable', 'The token could not be renewed.')
    const seconds = reason.retryAfterSeconds ?? PAUSE_SECONDS
    const message = `The session's token could not be renewed: ${reason.message}`
    const error = new FhirAuthError('token_unavailable', message, { cause: reason, retryAfterSeconds: seconds })
    const now = this.#parts.channel.now()
    for (const [old, { until }] of this.#paused) if (until <= now) this.#paused.delete(old)
    // A pause spares the authorization server, which a store that is away does not keep busy.
    if (reason.code !== 'session_store_failed') this.#paused.set(key, { until: now + seconds * 1000, error })
    return error
  }
}

function keyOf(id: string, launchId: string): string {
  return `${id} ${launchId}`
}

function liveOnly(launch: LaunchRecord | undefined): { launch: LaunchRecord; isNew: false } | undefined {
  return launch?.accessToken ? { launch, isNew: false } : undefined
}
