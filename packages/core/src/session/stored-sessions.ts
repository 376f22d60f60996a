import { FhirAuthError } from '../errors.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import type { FetchFunction } from '../fhir/fhir-fetch.ts'
import { isDueForRenewal, isUsable } from '../oauth/token-lifetime.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { randomToken } from '../shared/random.ts'
import type { SessionLock } from '../store/lease.ts'
import type { RecordStore } from '../store/store.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'
import { changeSession } from './change-session.ts'
import { type CookiePolicy, clearCookie, cookieName, readCookie, setCookie } from './cookie-header.ts'
import { NewestTokens } from './newest-token.ts'
import type { LaunchRecord, SessionRecord } from './record.ts'
import { contextOfRecord } from './record-launch.ts'
import type { Refresher } from './refresher.ts'
import {
  type EndedSession,
  isKeptBeside,
  MAX_LAUNCHES,
  type SessionChange,
  type SessionKeeper,
} from './session-keeper.ts'
import { chooseLaunch } from './which-launch.ts'

export interface SessionSettings {
  readonly policy: CookiePolicy
  /** Without prefix. */
  readonly cookieName: string
  readonly lifetimeSeconds: number
  readonly idleSeconds: number
}

export interface SessionParts {
  readonly store: RecordStore
  readonly lock: SessionLock
  readonly refresher: Refresher
  readonly settings: SessionSettings
  readonly send: FetchFunction
  readonly now: () => number
}

/** A session in use is written again when this share of its idle time has passed. */
const TOUCH_SHARE = 0.1

/**
 * Browser sessions: an opaque cookie, the launches it stands for, and the context of each. Finding a live context is the
 * way of every request: for one that a store in memory holds ready, it makes no promise and no object.
 */
export class StoredSessions implements SessionKeeper {
  readonly #parts: SessionParts
  readonly #cookieName: string
  readonly #contexts = new WeakMap<LaunchRecord, FhirContext>()
  readonly #tokens: NewestTokens

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.#cookieName = cookieName(parts.settings.cookieName, parts.settings.policy)
    this.#tokens = new NewestTokens(parts.store, parts.refresher, parts.now)
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
    if (launch === undefined) return undefined
    const { refresher } = this.#parts
    this.#touch(id, session, now, request)
    if (!isDueForRenewal(launch, now)) return this.contextOf(id, launch)
    if (!isUsable(launch, now)) {
      if (launch.refreshToken === undefined) return undefined
      const renewal = refresher.renew(id, launch.launchId)
      request.waitUntil?.(refresher.settled(id, launch.launchId))
      return renewal.then((renewed) => renewed && this.contextOf(id, renewed))
    }
    // Still good: serve it, and get the next one meanwhile.
    if (launch.refreshToken !== undefined) {
      // Whoever needs the token when this one has expired gets the error then.
      refresher.renew(id, launch.launchId).catch(() => {})
      request.waitUntil?.(refresher.settled(id, launch.launchId))
    }
    return this.contextOf(id, launch)
  }

  contextOf(id: string, launch: LaunchRecord): FhirContext {
    const known = this.#contexts.get(launch)
    if (known !== undefined) return known
    const context = contextOfRecord(launch, this.#tokens.of(id, launch.launchId), this.#parts.send)
    this.#contexts.set(launch, context)
    return context
  }

  /** A session in use lives on, up to its absolute end. */
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

  async open(launch: LaunchRecord): Promise<string> {
    const { store, settings, now } = this.#parts
    const endsAt = now() + settings.lifetimeSeconds * 1000
    const expiresAt = Math.min(endsAt, now() + settings.idleSeconds * 1000)
    const id = randomToken()
    await store.set(id, Object.freeze({ launches: Object.freeze([launch]), endsAt, expiresAt }))
    return id
  }

  /** A new id at every login, against session fixation. */
  async handOver(cookieHeader: string | undefined, id: string, launch: LaunchRecord): Promise<SessionChange> {
    const { lock, settings } = this.#parts
    const previousId = this.#idOf(cookieHeader)
    // Under the lock: a refresh that ends meanwhile must not write its rotated token into the session we leave.
    const launches =
      previousId === undefined ? 1 : await lock.hold(previousId, () => this.#moveLaunches(previousId, id, launch))
    return { cookies: [setCookie(this.#cookieName, id, settings.lifetimeSeconds, settings.policy)], launches }
  }

  async #moveLaunches(from: string, to: string, added: LaunchRecord): Promise<number> {
    const { store } = this.#parts
    const previous = await store.get(from)
    if (previous === undefined) return 1
    const kept = previous.launches.filter((other) => isKeptBeside(other, added))
    // Copies, since a context belongs to a record and asks for its tokens under one session id.
    const others = kept.map((other) => Object.freeze({ ...other }))
    const session = await changeSession(store, to, (opened) =>
      Object.freeze({ ...opened, launches: Object.freeze([...others, ...opened.launches].slice(-MAX_LAUNCHES)) }),
    )
    if (session === undefined) throw new FhirAuthError('session_store_failed', 'The store has lost a new session.')
    await store.delete(from)
    this.#tokens.follow(from, to)
    return session.launches.length
  }

  async end(cookieHeader: string | undefined): Promise<EndedSession> {
    const id = this.#idOf(cookieHeader)
    const launches = id === undefined ? [] : await this.discard(id)
    return { cookies: [clearCookie(this.#cookieName, this.#parts.settings.policy)], launches }
  }

  async discard(id: string): Promise<readonly LaunchRecord[]> {
    const session = await this.#parts.store.get(id)
    await this.#parts.store.delete(id)
    return session?.launches ?? []
  }

  #idOf(cookieHeader: string | undefined): string | undefined {
    const id = cookieHeader === undefined ? undefined : readCookie(cookieHeader, this.#cookieName)
    return id === '' ? undefined : id
  }
}
