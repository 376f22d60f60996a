import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import { durationSince, type Emit } from '../events.ts'
import { MAX_WAIT_SECONDS } from '../http/cache-headers.ts'
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
  /** An access token that the FHIR server no longer takes, however long it says it lives. */
  readonly refused?: string | undefined
}

/** A launch whose token is good. */
export interface Renewal {
  readonly launch: LaunchRecord
  /** False where another request, or another process, had renewed it before. */
  readonly isNew: boolean
}

/** After a failed refresh, the next one waits this long, unless the server names a time. */
const PAUSE_SECONDS = 5
/** A server that refuses a token and the one after it refuses any: each call would cost a refresh. */
const TRUST_SECONDS = 5
/** Launches remembered for that, at least. */
const REMEMBERED = 10_000
/**
 * A rotated refresh token that the store does not take is offered again, this often and soon: whichever process reads the
 * old one first when the store is back would use it a second time.
 */
const WRITE_TRIES = 60
const [FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS] = [0.1, 0.5]

interface Pause {
  readonly until: number
  readonly reason: FhirAuthError
}

/** Tokens that a refresh has brought, and are to be stored. */
interface NewTokens {
  readonly before: LaunchRecord
  readonly next: LaunchRecord
  /** When the refresh began, a time of `performance.now()`. */
  readonly startedAt: number
}

/** What became of a refresh under the lease. */
interface Outcome {
  readonly renewal?: Renewal | undefined
  /** The store did not take the new tokens: why, and the tries that go on. They never reject. */
  readonly unstored?: { readonly error: FhirAuthError; readonly tries: Promise<void> } | undefined
}

/**
 * Refreshes tokens: one refresh of a launch at a time, across processes. The rotated refresh token is stored before its
 * access token is used. `invalid_grant`, another person or another patient end the launch; a network fault or a 5xx never
 * does.
 */
export class Refresher {
  readonly #parts: RefresherParts
  readonly #flights = new SingleFlight<Renewal | undefined>()
  readonly #pauses = new RecentlyUsed<Pause>(REMEMBERED)
  /** Tokens that have replaced a refused one, and until when they are not replaced for that again. */
  readonly #trusted = new RecentlyUsed<{ readonly accessToken: string; readonly until: number }>(REMEMBERED)
  /** Launches whose new tokens are not stored yet, and why. */
  readonly #unstored = new Map<string, FhirAuthError>()
  /** Everything under way, the writes that go on after an answer included. */
  readonly #underWay = new Map<string, Promise<unknown>>()

  constructor(parts: RefresherParts) {
    this.#parts = parts
  }

  /**
   * The launch with a valid token. Undefined when it has ended, or when the server has no better token than a refused one.
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

  /** When the renewal under way here is over, its last write included. Never rejects. */
  async settled(launchId: string): Promise<void> {
    for (let work = this.#underWay.get(launchId); work; work = this.#underWay.get(launchId)) await work
  }

  /** When nothing is under way here any more. Never rejects. */
  async idle(): Promise<void> {
    await Promise.all([...this.#underWay.keys()].map((launchId) => this.settled(launchId)))
  }

  async #renew(request: RefreshRequest): Promise<Renewal | undefined> {
    const { launchId } = request
    try {
      const lease = await this.#parts.leases.take(launchId)
      let tries: Promise<void> | undefined
      try {
        const { renewal, unstored } = await this.#renewUnderLease(request)
        tries = unstored?.tries
        if (unstored !== undefined) throw unstored.error
        return renewal
      } finally {
        // Nobody else may refresh this launch before its new tokens are stored.
        if (tries === undefined) await lease.giveBack()
        else this.#follow(launchId, tries.then(lease.giveBack))
      }
    } catch (cause) {
      const reason = asFhirAuthError(cause, 'token_unavailable', 'The token could not be renewed.')
      const seconds = Math.min(reason.retryAfterSeconds ?? PAUSE_SECONDS, MAX_WAIT_SECONDS)
      // A pause spares the authorization server. A store that is away does not keep it busy.
      if (reason.code !== 'session_store_failed') {
        this.#pauses.set(launchId, { until: this.#parts.now() + seconds * 1000, reason })
      }
      throw unavailable(reason, seconds)
    }
  }

  async #renewUnderLease({ sessionId, launchId, refused }: RefreshRequest): Promise<Outcome> {
    const { store, server, emit, now } = this.#parts
    // Read under the lease: another process may have renewed it since.
    const found = await followSession(store, sessionId)
    const launch = found?.session.launches.find((candidate) => candidate.launchId === launchId)
    if (found === undefined || !launch?.refreshToken) return {}
    const isRenewed = refused === undefined ? !isDueForRenewal(launch, now()) : launch.accessToken !== refused
    if (isRenewed) return { renewal: { launch, isNew: false } }
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
      // Where another process has stored newer tokens, it was only the older ones that the server refused.
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

  /** Stores new tokens. Where the launch has ended meanwhile, nobody keeps them, and the server is told so. */
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

  /** The server has forgotten the old refresh token, so the new one is offered again until the store takes it. */
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
        // Away still.
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
