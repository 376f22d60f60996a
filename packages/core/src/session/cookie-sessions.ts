import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import { durationSince, type Emit } from '../events.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import type { TokenSource } from '../fhir/fhir-fetch.ts'
import { isUsable } from '../oauth/token-lifetime.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { RecentlyUsed } from '../shared/recently-used.ts'
import { SingleFlight } from '../shared/single-flight.ts'
import { createSealer, type Sealer } from '../store/sealing.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'
import { ChunkedCookie } from './chunked-cookie.ts'
import type { FhirContexts } from './fhir-contexts.ts'
import { joinLaunches } from './join-launches.ts'
import { endReasonOf, type LaunchServer } from './launch-server.ts'
import { endedLaunch, type LaunchRecord, type SessionRecord } from './record.ts'
import type {
  EndedSession,
  FinishedLogin,
  SessionChange,
  SessionRenewal,
  SessionSettings,
  Sessions,
} from './sessions.ts'
import { chooseLaunch } from './which-launch.ts'

export interface CookieSessionParts {
  readonly secrets: readonly string[]
  readonly settings: SessionSettings
  readonly server: LaunchServer
  readonly contexts: FhirContexts
  /** The app's hook. Called once for each refresh, with the context of the new token. */
  readonly afterRefresh: ((fhir: FhirContext) => void | Promise<void>) | undefined
  readonly emit: Emit
  readonly now: () => number
}

/** How many opened sessions are remembered at least, so that a session is not decrypted for each request. */
const OPENED_SESSIONS = 1000
/** How many launches that this process has ended are remembered at least. */
const ENDED_LAUNCHES = 10_000

interface Refresh {
  readonly launch: LaunchRecord
  readonly hookFailure: unknown
}

/**
 * Sessions without a store: sealed, in cookies. Only an answer of this library can set cookies. So an expired token is renewed
 * only by a redirect through `/login`: anywhere else, a rotated refresh token would be lost.
 *
 * A copy of a cookie still works after a logout, because no store knows of the logout. Only this process remembers which
 * launches it has ended.
 */
export class CookieSessions implements Sessions {
  readonly #parts: CookieSessionParts
  readonly #sealer: Sealer
  readonly #cookies: ChunkedCookie
  readonly #opened = new RecentlyUsed<SessionRecord>(OPENED_SESSIONS)
  readonly #ended = new RecentlyUsed<true>(ENDED_LAUNCHES)
  readonly #refreshes = new SingleFlight<Refresh>()

  constructor(parts: CookieSessionParts) {
    this.#parts = parts
    this.#sealer = createSealer(parts.secrets, `session ${parts.settings.cookieName}`)
    this.#cookies = new ChunkedCookie(parts.settings.cookieName, parts.settings.policy)
  }

  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined> {
    const session = this.#sessionOf(request.header('cookie'))
    if (session instanceof Promise) return session.then((opened) => this.#contextIn(opened, request))
    return this.#contextIn(session, request)
  }

  #contextIn(session: SessionRecord | undefined, request: AdapterRequest): FhirContext | undefined {
    const launch = session && chooseLaunch(session.launches, request)
    return launch && this.#isGood(launch) ? this.#contextOf(launch) : undefined
  }

  #isGood(launch: LaunchRecord): boolean {
    const now = this.#parts.now()
    return isUsable(launch, now) && launch.endsAt > now && !this.#isOver(launch)
  }

  #isOver({ launchId }: LaunchRecord): boolean {
    return this.#ended.get(launchId) === true
  }

  #contextOf(launch: LaunchRecord): FhirContext {
    return this.#parts.contexts.known(launch) ?? this.#parts.contexts.create(launch, this.#tokensOf(launch))
  }

  #tokensOf(launch: LaunchRecord): TokenSource {
    return {
      current: () => {
        if (this.#isGood(launch)) return launch.accessToken
        throw new FhirAuthError('session_ended', 'The token has expired. Reload the page to renew it.')
      },
      replace: async () => undefined,
    }
  }

  async logIn(cookieHeader: string | undefined, { launch, welcome }: FinishedLogin): Promise<SessionChange> {
    await welcome(this.#contextOf(launch))
    const previous = await this.#sessionOf(cookieHeader)
    const before = (previous?.launches ?? []).filter((other) => !this.#isOver(other))
    const { launches, ended } = joinLaunches(before, launch, this.#parts.now())
    const written = await this.#write(launches, cookieHeader)
    return { ...written, ended }
  }

  async logOut(cookieHeader: string | undefined): Promise<EndedSession> {
    const session = await this.#sessionOf(cookieHeader)
    const launches = session?.launches ?? []
    for (const { launchId } of launches) this.#ended.set(launchId, true)
    return { cookies: this.#cookies.clear(cookieHeader), launches }
  }

  async renew(request: AdapterRequest, returnTo: string): Promise<SessionRenewal | undefined> {
    const cookieHeader = request.header('cookie')
    const session = await this.#sessionOf(cookieHeader)
    const page: AdapterRequest = { method: 'GET', url: returnTo, header: (name) => request.header(name) }
    const launch = session && launchOfPage(session, page)
    const { now } = this.#parts
    if (session === undefined || !launch?.refreshToken || launch.endsAt <= now()) return undefined
    // If the token is still good, the person wants to log in again.
    if (isUsable(launch, now()) || this.#isOver(launch)) return undefined
    const replacedBy = async (next: LaunchRecord) => {
      const launches = session.launches.map((other) => (other === launch ? next : other))
      return (await this.#write(launches, cookieHeader)).cookies
    }
    try {
      const { launch: renewed, hookFailure } = await this.#refreshes.run(launch.refreshToken, () =>
        this.#refresh(launch),
      )
      const cookies = await replacedBy(renewed)
      // There may have been a logout while the cookies were sealed.
      if (this.#isOver(launch)) {
        await this.#parts.server.revoke(renewed).catch(() => {})
        return undefined
      }
      return { isRenewed: isUsable(renewed, now()), cookies, hookFailure }
    } catch (cause) {
      const error = asFhirAuthError(cause, 'token_unavailable', 'The token could not be renewed.')
      return endReasonOf(error) ? { isRenewed: false, cookies: await replacedBy(endedLaunch(launch)) } : undefined
    }
  }

  /** Requests at the same time, in this process, share one refresh and one call of the app's hook. */
  async #refresh(launch: LaunchRecord): Promise<Refresh> {
    const { server, emit, afterRefresh } = this.#parts
    const origin = { fhirBaseUrl: launch.fhirBaseUrl, clientId: launch.clientId, launchId: launch.launchId }
    const startedAt = performance.now()
    let renewed: LaunchRecord
    try {
      renewed = await server.refresh(launch)
    } catch (cause) {
      const error = asFhirAuthError(cause, 'token_unavailable', 'The token could not be renewed.')
      const reason = endReasonOf(error)
      if (reason) emit({ type: 'launch_ended', ...origin, reason })
      else emit({ type: 'refresh_failed', ...origin, error, durationMs: durationSince(startedAt) })
      throw error
    }
    if (this.#isOver(launch)) {
      await server.revoke(renewed).catch(() => {})
      throw new FhirAuthError('session_ended', 'The person logged out while the token was renewed.')
    }
    emit({ type: 'refresh', ...origin, durationMs: durationSince(startedAt) })
    try {
      await afterRefresh?.(this.#contextOf(renewed))
      return { launch: renewed, hookFailure: undefined }
    } catch (hookFailure) {
      return { launch: renewed, hookFailure }
    }
  }

  async idle(): Promise<void> {
    // Nothing runs in the background: each refresh is part of a request.
  }

  /** @param launches - oldest first; if not all fit, the oldest are dropped */
  async #write(
    launches: readonly LaunchRecord[],
    cookieHeader: string | undefined,
  ): Promise<{ cookies: readonly string[]; launches: number }> {
    const { settings, now } = this.#parts
    for (let kept = launches; ; kept = kept.slice(1)) {
      const endsAt = Math.max(...kept.map((launch) => launch.endsAt))
      const tokensEndAt = Math.max(...kept.map((launch) => launch.expiresAt))
      // Use is not recorded in the cookie, so the idle time begins when the last token expires.
      const expiresAt = Math.min(endsAt, tokensEndAt + settings.idleSeconds * 1000)
      const session: SessionRecord = Object.freeze({ launches: Object.freeze(kept), endsAt, expiresAt })
      const sealed = await this.#sealer.seal(session)
      if (kept.length > 1 && !this.#cookies.fits(sealed)) continue
      const cookies = this.#cookies.write(sealed, cookieHeader, (endsAt - now()) / 1000)
      return { cookies, launches: kept.length }
    }
  }

  #sessionOf(cookieHeader: string | undefined): MaybePromise<SessionRecord | undefined> {
    const sealed = this.#cookies.read(cookieHeader)
    if (sealed === undefined) return undefined
    const known = this.#opened.get(sealed)
    return known ? this.#liveOnly(known) : this.#open(sealed)
  }

  async #open(sealed: string): Promise<SessionRecord | undefined> {
    const session = (await this.#sealer.open(sealed)) as SessionRecord | undefined // sealed by #write
    if (session === undefined) return undefined
    this.#opened.set(sealed, session)
    return this.#liveOnly(session)
  }

  #liveOnly(session: SessionRecord): SessionRecord | undefined {
    return session.expiresAt > this.#parts.now() ? session : undefined
  }
}

/** The launch of the page that the person returns to; undefined if it could be several. */
function launchOfPage(session: SessionRecord, page: AdapterRequest): LaunchRecord | undefined {
  try {
    return chooseLaunch(session.launches, page)
  } catch {
    return undefined
  }
}
