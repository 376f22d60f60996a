import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import { durationSince, type Emit } from '../events.ts'
import { MAX_WAIT_SECONDS } from '../http/time-headers.ts'
import { isDueForRenewal } from '../oauth/token-lifetime.ts'
import { RecentlyUsed } from '../shared/recently-used.ts'
import { SingleFlight } from '../shared/single-flight.ts'
import type { Leases } from '../store/leases.ts'
import type { RecordStore } from '../store/record-store.ts'
import { followSession, replaceLaunch } from './change-session.ts'
import { endReasonOf, type LaunchServer } from './launch-server.ts'
import { endedLaunch, isLive, type LaunchRecord, type SessionRecord } from './record.ts'

export interface RefresherParts {
  readonly store: RecordStore<SessionRecord>
  readonly leases: Leases
  readonly server: LaunchServer
  readonly emit: Emit
  readonly now: () => number
}

/** The launch to refresh. */
export interface RefreshRequest {
  readonly sessionId: string
  readonly launchId: string
  /** An access token that the FHIR server refuses, though it has not expired. */
  readonly refused?: string | undefined
}

/** A launch with a valid token. */
export interface Renewal {
  readonly launch: LaunchRecord
  /** False if another request or another process had already renewed it. */
  readonly isNew: boolean
}

/** The pause after a failed refresh, unless the server names a time. */
const PAUSE_SECONDS = 5
/**
 * A new token is not replaced for this long, even if the FHIR server refuses it too. Such a server refuses every token, and
 * each call would cost a refresh.
 */
const TRUST_SECONDS = 5
/** How many launches are remembered at least, for pauses and for trusted tokens. */
const REMEMBERED = 10_000
/**
 * How often to try to store a rotated refresh token if the store fails. The waits are short: once the store is back, another
 * process could read the old refresh token and use it a second time.
 */
const WRITE_TRIES = 60
const [FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS] = [0.1, 0.5]

interface Pause {
  readonly until: number
  readonly reason: FhirAuthError
}

/** New tokens of a refresh, which must be stored. */
interface NewTokens {
  readonly before: LaunchRecord
  readonly next: LaunchRecord
  /** When the refresh began, a time of `performance.now()`. */
  readonly startedAt: number
}

interface FoundLaunch {
  readonly id: string
  readonly launch: LaunchRecord
  /** Whether another request, or another process, has done it already. */
  readonly isRenewed: boolean
}

/** What became of a refresh under the lease. */
interface Outcome {
  readonly renewal?: Renewal | undefined
  /** Set if the new tokens could not be stored: the error, and the further tries, which never reject. */
  readonly unstored?: { readonly error: FhirAuthError; readonly tries: Promise<void> } | undefined
}

/**
 * Refreshes tokens: one refresh of a launch at a time, in all processes. The rotated refresh token is stored before the new
 * access token is used. `invalid_grant`, another person or another patient ends the launch; a network fault or a 5xx never
 * does.
 */
export class Refresher {
  readonly #parts: RefresherParts
  readonly #flights = new SingleFlight<Renewal | undefined>()
  readonly #pauses = new RecentlyUsed<Pause>(REMEMBERED)
  /** Tokens that have replaced a refused one, and how long they are not replaced again. */
  readonly #trusted = new RecentlyUsed<{ readonly accessToken: string; readonly until: number }>(REMEMBERED)
  /** Launches whose new tokens are not stored yet, and why. */
  readonly #unstored = new Map<string, FhirAuthError>()
  /** All work that is running, including writes that continue after a request was answered. */
  readonly #underWay = new Map<string, Promise<unknown>>()

  constructor(parts: RefresherParts) {
    this.#parts = parts
  }

  /**
   * The launch with a valid token. Undefined if it has ended, or if the server refuses new tokens too.
   *
   * @throws `token_unavailable` with the reason as cause; the session stays
   */
  async renew(request: RefreshRequest): Promise<Renewal | undefined> {
    const { launchId, refused } = request
    const now = this.#parts.now()
    const unstored = this.#unstored.get(launchId)
    if (unstored !== undefined) throw unavailable(unstored, PAUSE_SECONDS)
    const pause = this.#pauses.get(launchId)
    if (pause !== undefined && pause.until > now) throw unavailable(pause.reason, (pause.until - now) / 1000)
    const trusted = this.#trusted.get(launchId)
    if (trusted !== undefined && trusted.accessToken === refused && trusted.until > now) return undefined
    return this.#flights.run(launchId, () => {
      const work = this.#renew(request)
      this.#follow(launchId, work)
      return work
    })
  }

  /** Resolves when no renewal of this launch is running here, including its writes. Never rejects. */
  async settled(launchId: string): Promise<void> {
    for (let work = this.#underWay.get(launchId); work; work = this.#underWay.get(launchId)) await work
  }

  /** Resolves when nothing is running here any more. Never rejects. */
  async idle(): Promise<void> {
    await Promise.all([...this.#underWay.keys()].map((launchId) => this.settled(launchId)))
  }

  async #renew(request: RefreshRequest): Promise<Renewal | undefined> {
    const { launchId } = request
    try {
      const lease = await this.#parts.leases.take(launchId, () => this.#renewedMeanwhile(request))
      if ('launch' in lease) return lease
      let tries: Promise<void> | undefined
      try {
        const { renewal, unstored } = await this.#renewUnderLease(request)
        tries = unstored?.tries
        if (unstored !== undefined) throw unstored.error
        return renewal
      } finally {
        // Keep the lease until the new tokens are stored: until then nobody else may refresh this launch.
        if (tries === undefined) await lease.giveBack()
        else this.#follow(launchId, tries.then(lease.giveBack))
      }
    } catch (cause) {
      const reason = asFhirAuthError(cause, 'token_unavailable', 'The token could not be renewed.')
      const seconds = Math.min(reason.retryAfterSeconds ?? PAUSE_SECONDS, MAX_WAIT_SECONDS)
      // The pause protects the authorization server. A failure of the store sends it no requests.
      if (reason.code !== 'session_store_failed') {
        this.#pauses.set(launchId, { until: this.#parts.now() + seconds * 1000, reason })
      }
      throw unavailable(reason, seconds)
    }
  }

  /** The new token of another process that still has the lease: nobody needs to wait for the end of the lease. */
  async #renewedMeanwhile(request: RefreshRequest): Promise<Renewal | undefined> {
    const found = await this.#find(request)
    return found?.isRenewed ? { launch: found.launch, isNew: false } : undefined
  }

  /** A launch as it is stored now, and the id of its session; undefined where there is nothing to refresh. */
  async #find({ sessionId, launchId, refused }: RefreshRequest): Promise<FoundLaunch | undefined> {
    const { store, now } = this.#parts
    const found = await followSession(store, sessionId)
    const launch = found?.session.launches.find((candidate) => candidate.launchId === launchId)
    if (found === undefined || !launch?.refreshToken) return undefined
    const isRenewed = refused === undefined ? !isDueForRenewal(launch, now()) : launch.accessToken !== refused
    return { id: found.id, launch, isRenewed }
  }

  async #renewUnderLease(request: RefreshRequest): Promise<Outcome> {
    const { store, server, emit, now } = this.#parts
    const { launchId, refused } = request
    // Read it again under the lease: another process may have renewed it meanwhile.
    const found = await this.#find(request)
    if (found === undefined) return {}
    const { launch } = found
    if (found.isRenewed) return { renewal: { launch, isNew: false } }
    const origin = originOf(launch)
    const startedAt = performance.now()
    let next: LaunchRecord
    try {
      next = await server.refresh(launch)
    } catch (cause) {
      const error = asFhirAuthError(cause, 'token_unavailable', 'The token could not be renewed.')
      const reason = endReasonOf(error)
      if (reason === undefined) {
        emit({ type: 'refresh_failed', ...origin, error, durationMs: durationSince(startedAt) })
        throw error
      }
      const ended = endedLaunch(launch)
      const stored = await replaceLaunch(store, found.id, { before: launch, next: ended })
      if (stored === ended) emit({ type: 'launch_ended', ...origin, reason })
      // If another process has stored newer tokens, the server refused only the old ones.
      return { renewal: liveOnly(stored) }
    }
    if (refused !== undefined) {
      this.#trusted.set(launchId, { accessToken: next.accessToken, until: now() + TRUST_SECONDS * 1000 })
    }
    const change = { before: launch, next, startedAt }
    try {
      return { renewal: await this.#keep(found.id, change) }
    } catch (cause) {
      const error = asFhirAuthError(cause, 'session_store_failed', 'The session store failed.')
      this.#unstored.set(launchId, error)
      const tries = this.#keepTrying(found.id, change).finally(() => this.#unstored.delete(launchId))
      return { unstored: { error, tries } }
    }
  }

  /** Stores new tokens. If the launch has ended meanwhile, they are revoked instead. */
  async #keep(id: string, change: NewTokens): Promise<Renewal | undefined> {
    const { store, server, emit } = this.#parts
    const { next } = change
    const stored = await replaceLaunch(store, id, change)
    if (stored === next) {
      emit({ type: 'refresh', ...originOf(next), durationMs: durationSince(change.startedAt) })
      return { launch: next, isNew: true }
    }
    const live = liveOnly(stored)
    if (live === undefined) await server.revoke(next).catch(() => {})
    return live
  }

  /** Tries to store the new tokens again and again: the server no longer accepts the old refresh token. */
  async #keepTrying(id: string, change: NewTokens): Promise<void> {
    let seconds = FIRST_WAIT_SECONDS
    for (let tries = 1; tries < WRITE_TRIES; tries++) {
      const wait = seconds
      await new Promise((resolve) => setTimeout(resolve, wait * 1000))
      seconds = Math.min(seconds * 2, LONGEST_WAIT_SECONDS)
      try {
        await this.#keep(id, change)
        return
      } catch {
        // The store is still down.
      }
    }
  }

  #follow(launchId: string, work: Promise<unknown>): void {
    const all = Promise.allSettled([this.#underWay.get(launchId), work]).then(() => {
      if (this.#underWay.get(launchId) === all) this.#underWay.delete(launchId)
    })
    this.#underWay.set(launchId, all)
  }
}

function originOf({ fhirBaseUrl, clientId, launchId }: LaunchRecord) {
  return { fhirBaseUrl, clientId, launchId }
}

function liveOnly(launch: LaunchRecord | undefined): Renewal | undefined {
  return launch && isLive(launch) ? { launch, isNew: false } : undefined
}

function unavailable(reason: FhirAuthError, seconds: number): FhirAuthError {
  const message = `The session's token could not be renewed: ${reason.message}`
  const retryAfterSeconds = Math.max(1, Math.ceil(seconds))
  return new FhirAuthError('token_unavailable', message, { cause: reason, retryAfterSeconds })
}
