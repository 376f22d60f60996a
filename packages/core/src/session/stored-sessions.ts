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
import type { FhirContexts } from './fhir-contexts.ts'
import { type JoinedLaunches, joinLaunches } from './join-launches.ts'
import { moveLaunches } from './move-launches.ts'
import type { LaunchRecord, SessionRecord } from './record.ts'
import type { Refresher, RefreshRequest, Renewal } from './refresher.ts'
import type { EndedSession, FinishedLogin, SessionChange, SessionSettings, Sessions } from './sessions.ts'
import { chooseLaunch } from './which-launch.ts'

export interface StoredSessionParts {
  readonly store: RecordStore<SessionRecord>
  readonly refresher: Refresher
  readonly settings: SessionSettings
  readonly contexts: FhirContexts
  /** The app's hook. Called once for each refresh; requests that wait for the new token wait for it too. */
  readonly afterRefresh: ((fhir: FhirContext) => void | Promise<void>) | undefined
  readonly now: () => number
}

/** The expiry of a session in use is written again after this share of its idle time. */
const TOUCH_SHARE = 0.1

/**
 * Sessions in a store: the cookie holds an opaque id, the store holds the launches. Every request finds its context here. In
 * most cases, with a memory store, that creates no promise and no object.
 */
export class StoredSessions implements Sessions {
  readonly #parts: StoredSessionParts
  readonly #cookieName: string
  /** The call of the app's hook for each refresh. */
  readonly #hookCalls = new WeakMap<Renewal, Promise<void>>()
  /** Launches for which the app's hook is running. */
  readonly #inHook = new Set<string>()

  constructor(parts: StoredSessionParts) {
    this.#parts = parts
    this.#cookieName = cookieName(parts.settings.cookieName, parts.settings.policy)
  }

  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined> {
    const id = this.#idOf(request.header('cookie'))
    if (id === undefined) return undefined
    // Read the clock once and create no closure: either would cost more than the lookup.
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
    // The old token is still valid and is used meanwhile. An error of the renewal is reported to the next request that waits for it.
    renewal.catch(() => {})
    return this.#contextOf(id, launch)
  }

  #contextOf(id: string, launch: LaunchRecord): FhirContext {
    return (
      this.#parts.contexts.known(launch) ?? this.#parts.contexts.create(launch, this.#tokensOf(id, launch.launchId))
    )
  }

  /** Gives `fhir.fetch` the newest token of a launch, even if its context is older. */
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

  /** While the store is down, the launch that was read last is used. */
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
    if (renewal?.isNew) await this.#callHook(renewal, request)
    return renewal?.launch
  }

  /** Calls the app's hook once for each refresh, but not for a refresh that the hook itself caused. */
  #callHook(renewal: Renewal, { sessionId, launchId }: RefreshRequest): Promise<void> | undefined {
    const { afterRefresh } = this.#parts
    const known = this.#hookCalls.get(renewal)
    if (known !== undefined || afterRefresh === undefined || this.#inHook.has(launchId)) return known
    this.#inHook.add(launchId)
    const call = (async () => {
      try {
        await afterRefresh(this.#contextOf(sessionId, renewal.launch))
      } finally {
        this.#inHook.delete(launchId)
      }
    })()
    this.#hookCalls.set(renewal, call)
    return call
  }

  /** Extends the idle time of a session in use, at most to the end of its launches. */
  #touch(id: string, session: SessionRecord, now: number, request: AdapterRequest): void {
    const idle = this.#parts.settings.idleSeconds * 1000
    const expiresAt = Math.min(now + idle, session.endsAt)
    if (expiresAt - session.expiresAt >= idle * TOUCH_SHARE) this.#writeTouched(id, session, expiresAt, request)
  }

  #writeTouched(id: string, session: SessionRecord, expiresAt: number, request: AdapterRequest): void {
    // If another request has written the session meanwhile, it has extended it too.
    const touch = async () =>
      void (await this.#parts.store.replace(id, session, Object.freeze({ ...session, expiresAt })))
    const written = touch().catch(() => {})
    request.waitUntil?.(written)
  }

  /** Every login gets a new id, against session fixation. */
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
