import { FhirAuthError } from '../errors.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import type { TokenSource } from '../fhir/fhir-fetch.ts'
import { isDueForRenewal, isUsable } from '../oauth/token-lifetime.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { randomToken } from '../shared/random.ts'
import type { RecordStore } from '../store/record-store.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'
import { endSession, followSession } from './change-session.ts'
import { clearCookie, cookieName, readCookie, setCookie } from './cookie-header.ts'
import { type JoinedLaunches, joinLaunches } from './join-launches.ts'
import type { LaunchContexts } from './launch-contexts.ts'
import { moveLaunches } from './move-launches.ts'
import type { LaunchRecord, SessionRecord } from './record.ts'
import type { Refresher, RefreshRequest, Renewal } from './refresher.ts'
import type { EndedSession, FinishedLogin, SessionChange, SessionSettings, Sessions } from './sessions.ts'
import { chooseLaunch } from './which-launch.ts'

export interface StoredSessionParts {
  readonly store: RecordStore<SessionRecord>
  readonly refresher: Refresher
  readonly settings: SessionSettings
  readonly contexts: LaunchContexts
  /** Called once for each refresh, with the context of the new token. Whoever waits for the token waits for this. */
  readonly afterRefresh: ((fhir: FhirContext) => void | Promise<void>) | undefined
  readonly now: () => number
}

/** A session in use is written again when this share of its idle time has passed. */
const TOUCH_SHARE = 0.1

/**
 * Browser sessions: an opaque cookie, the launches it stands for, and the context of each. Every request finds its context
 * here. For a session that a store in memory holds ready, that makes no promise and no object.
 */
export class StoredSessions implements Sessions {
  readonly #parts: StoredSessionParts
  readonly #cookieName: string
  /** What the app's hook is doing about a refresh. */
  readonly #told = new WeakMap<Renewal, Promise<void>>()
  readonly #telling = new Set<string>()

  constructor(parts: StoredSessionParts) {
    this.#parts = parts
    this.#cookieName = cookieName(parts.settings.cookieName, parts.settings.policy)
  }

  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined> {
    const id = this.#idOf(request.header('cookie'))
    if (id === undefined) return undefined
    // One look at the clock per request, and no function made here: it would cost more than the lookup.
    const now = this.#parts.now()
    const session = this.#parts.store.get(id, now)
    return session instanceof Promise
      ? this.#contextOfLateSession(id, session, request)
      : this.#contextOfSession(id, session, request, now)
  }

  #contextOfLateSession(
    id: string,
    session: Promise<SessionRecord | undefined>,
    request: AdapterRequest,
  ): Promise<FhirContext | undefined> {
    const { store, now } = this.#parts
    return session.then(
      (found) => this.#contextOfSession(id, found, request, now()),
      (failure: unknown) => {
        const known = store.recall(id)
        if (known === undefined) throw failure
        return this.#contextOfSession(id, known, request, now())
      },
    )
  }

  #contextOfSession(
    id: string,
    session: SessionRecord | undefined,
    request: AdapterRequest,
    now: number,
  ): MaybePromise<FhirContext | undefined> {
    if (session === undefined) return undefined
    const launch = chooseLaunch(session.launches, request)
    if (launch === undefined || launch.endsAt <= now) return undefined
    this.#touch(id, session, now, request)
    if (!isDueForRenewal(launch, now)) return this.#contextOf(id, launch)
    const { launchId, refreshToken } = launch
    if (refreshToken === undefined) return isUsable(launch, now) ? this.#contextOf(id, launch) : undefined
    const renewal = this.#renew({ sessionId: id, launchId })
    request.waitUntil?.(Promise.allSettled([renewal, this.#parts.refresher.settled(launchId)]))
    if (!isUsable(launch, now)) return renewal.then((renewed) => renewed && this.#contextOf(id, renewed))
    // Still good: it is served while the next one is on its way. Whoever needs that one gets the error, if there is one.
    renewal.catch(() => {})
    return this.#contextOf(id, launch)
  }

  #contextOf(id: string, launch: LaunchRecord): FhirContext {
    return (
      this.#parts.contexts.known(launch) ?? this.#parts.contexts.create(launch, this.#tokensOf(id, launch.launchId))
    )
  }

  /** The newest token of a launch, for `fhir.fetch`, however old the context is that asks. */
  #tokensOf(sessionId: string, launchId: string): TokenSource {
    return {
      current: async () => {
        const launch = await this.#newest(sessionId, launchId)
        const now = this.#parts.now()
        if (launch && launch.endsAt > now) {
          if (isUsable(launch, now)) return launch.accessToken
          const renewed = launch.refreshToken ? await this.#renew({ sessionId, launchId }) : undefined
          if (renewed) return renewed.accessToken
        }
        throw new FhirAuthError('session_ended', 'The session has ended. The person must log in again.')
      },
      replace: async (refused) => {
        const launch = await this.#newest(sessionId, launchId)
        if (launch && launch.accessToken !== refused) return launch.accessToken || undefined
        if (!launch?.refreshToken) return undefined
        return (await this.#renew({ sessionId, launchId, refused }))?.accessToken
      },
    }
  }

  /** While the store is away, what was seen last serves as long as its token does. */
  async #newest(sessionId: string, launchId: string): Promise<LaunchRecord | undefined> {
    const { store } = this.#parts
    const session = await followSession(store, sessionId).then(
      (found) => found?.session,
      (failure: unknown) => {
        const known = store.recall(sessionId)
        if (known === undefined) throw failure
        return known
      },
    )
    return session?.launches.find((launch) => launch.launchId === launchId)
  }

  async #renew(request: RefreshRequest): Promise<LaunchRecord | undefined> {
    const renewal = await this.#parts.refresher.renew(request)
    if (renewal?.isNew) await this.#tellOf(renewal, request)
    return renewal?.launch
  }

  /** Once for each refresh, and not for one that the hook itself has brought about. */
  #tellOf(renewal: Renewal, { sessionId, launchId }: RefreshRequest): Promise<void> | undefined {
    const { afterRefresh } = this.#parts
    const told = this.#told.get(renewal)
    if (told !== undefined || afterRefresh === undefined || this.#telling.has(launchId)) return told
    this.#telling.add(launchId)
    const telling = (async () => {
      try {
        await afterRefresh(this.#contextOf(sessionId, renewal.launch))
      } finally {
        this.#telling.delete(launchId)
      }
    })()
    this.#told.set(renewal, telling)
    return telling
  }

  /** A session in use lives on, up to the end of its launches. */
  #touch(id: string, session: SessionRecord, now: number, request: AdapterRequest): void {
    const idle = this.#parts.settings.idleSeconds * 1000
    const expiresAt = Math.min(now + idle, session.endsAt)
    if (expiresAt - session.expiresAt >= idle * TOUCH_SHARE) this.#writeTouched(id, session, expiresAt, request)
  }

  #writeTouched(id: string, session: SessionRecord, expiresAt: number, request: AdapterRequest): void {
    // Where another request has written it meanwhile, that one has touched it as well.
    const touch = async () =>
      void (await this.#parts.store.replace(id, session, Object.freeze({ ...session, expiresAt })))
    const written = touch().catch(() => {})
    request.waitUntil?.(written)
  }

  /** A new id at every login, against session fixation. */
  async logIn(cookieHeader: string | undefined, login: FinishedLogin): Promise<SessionChange> {
    const { store, settings, now } = this.#parts
    const { launch, welcome } = login
    const id = randomToken()
    await store.set(id, this.#sessionOf([launch]))
    try {
      await welcome(this.#contextOf(id, launch))
      const { launches, ended } = await this.#join(this.#idOf(cookieHeader), id, login)
      const cookies = [setCookie(this.#cookieName, id, settings.lifetimeSeconds, settings.policy)]
      return { cookies, launches: launches.length, ended }
    } catch (error) {
      await endSession(store, id, now()).catch(() => {})
      throw error
    }
  }

  async #join(from: string | undefined, to: string, { launch, startedAt }: FinishedLogin): Promise<JoinedLaunches> {
    const { store, now } = this.#parts
    if (from === undefined) return joinLaunches([], launch, now())
    const move = { from, to, launch, startedAt, now: now(), sessionOf: this.#sessionOf }
    return moveLaunches(store, move)
  }

  async logOut(cookieHeader: string | undefined): Promise<EndedSession> {
    const { store, settings, now } = this.#parts
    const id = this.#idOf(cookieHeader)
    const launches = id === undefined ? [] : await endSession(store, id, now())
    return { cookies: [clearCookie(this.#cookieName, settings.policy)], launches }
  }

  idle(): Promise<void> {
    return this.#parts.refresher.idle()
  }

  readonly #sessionOf = (launches: readonly LaunchRecord[]): SessionRecord => {
    const endsAt = Math.max(...launches.map((launch) => launch.endsAt))
    const expiresAt = Math.min(endsAt, this.#parts.now() + this.#parts.settings.idleSeconds * 1000)
    return Object.freeze({ launches: Object.freeze(launches), endsAt, expiresAt })
  }

  #idOf(cookieHeader: string | undefined): string | undefined {
    const id = cookieHeader === undefined ? undefined : readCookie(cookieHeader, this.#cookieName)
    return id === '' ? undefined : id
  }
}
