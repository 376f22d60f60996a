import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import type { Emit } from '../events.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import type { FetchFunction, TokenSource } from '../fhir/fhir-fetch.ts'
import type { LaunchFlow } from '../launch/flow.ts'
import type { LaunchHooks } from '../launch/options.ts'
import { isUsable } from '../oauth/token-lifetime.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { createSealer, type Sealer } from '../store/sealing.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'
import { ChunkedCookie } from './chunked-cookie.ts'
import type { LaunchRecord, SessionRecord } from './record.ts'
import { contextOfRecord, endedLaunch } from './record-launch.ts'
import {
  type EndedSession,
  isKeptBeside,
  MAX_LAUNCHES,
  type SessionChange,
  type SessionKeeper,
  type SessionRenewal,
} from './session-keeper.ts'
import type { SessionSettings } from './stored-sessions.ts'
import { chooseLaunch } from './which-launch.ts'

export interface CookieSessionParts {
  readonly secrets: readonly string[]
  readonly settings: SessionSettings
  readonly send: FetchFunction
  readonly now: () => number
  readonly emit: Emit
  readonly flow: LaunchFlow
  readonly hooks: LaunchHooks
}

/** Sessions that were opened, so that one is decrypted once and not for each request. */
const MAX_OPENED = 1000

/**
 * Sessions without a store: sealed, in cookies. Only an answer of this library can change them, so a token that has run
 * out is renewed on the way through `/login`, and at no other place: a rotated refresh token that no cookie takes along
 * would be lost.
 */
export class CookieSessions implements SessionKeeper {
  readonly #parts: CookieSessionParts
  readonly #sealer: Sealer
  readonly #cookies: ChunkedCookie
  readonly #opened = new Map<string, SessionRecord>()
  readonly #contexts = new WeakMap<LaunchRecord, FhirContext>()
  readonly #refreshes = new Map<string, Promise<LaunchRecord>>()

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
    return launch && isUsable(launch, this.#parts.now()) ? this.contextOf('', launch) : undefined
  }

  contextOf(_id: string, launch: LaunchRecord): FhirContext {
    const known = this.#contexts.get(launch)
    if (known !== undefined) return known
    const context = contextOfRecord(launch, this.#tokensOf(launch), this.#parts.send)
    this.#contexts.set(launch, context)
    return context
  }

  #tokensOf(launch: LaunchRecord): TokenSource {
    return {
      current: () => {
        if (isUsable(launch, this.#parts.now())) return launch.accessToken
        throw new FhirAuthError('session_ended', 'The token has run out. The next page that is opened renews it.')
      },
      replace: async () => undefined,
    }
  }

  /** Nothing is kept here: the session begins with its cookie. */
  async open(): Promise<string> {
    return ''
  }

  async discard(): Promise<readonly LaunchRecord[]> {
    return []
  }

  async handOver(cookieHeader: string | undefined, _id: string, launch: LaunchRecord): Promise<SessionChange> {
    const previous = await this.#sessionOf(cookieHeader)
    const others = (previous?.launches ?? []).filter((other) => isKeptBeside(other, launch))
    const endsAt = this.#parts.now() + this.#parts.settings.lifetimeSeconds * 1000
    return this.#write([...others, launch].slice(-MAX_LAUNCHES), endsAt, cookieHeader)
  }

  async end(cookieHeader: string | undefined): Promise<EndedSession> {
    const session = await this.#sessionOf(cookieHeader)
    return { cookies: this.#cookies.clear(cookieHeader), launches: session?.launches ?? [] }
  }

  async renew(request: AdapterRequest, returnTo: string): Promise<SessionRenewal | undefined> {
    const cookieHeader = request.header('cookie')
    const session = await this.#sessionOf(cookieHeader)
    const page: AdapterRequest = { method: 'GET', url: returnTo, header: (name) => request.header(name) }
    if (session === undefined) return undefined
    const launch = launchOfPage(session, page)
    // With a token that is good, somebody wants to log in once more.
    if (!launch?.refreshToken || isUsable(launch, this.#parts.now())) return undefined
    const origin = { fhirBaseUrl: launch.fhirBaseUrl, clientId: launch.clientId, launchId: launch.launchId }
    const { emit, hooks } = this.#parts
    const replacedBy = async (next: LaunchRecord) => {
      const launches = session.launches.map((other) => (other === launch ? next : other))
      return (await this.#write(launches, session.endsAt, cookieHeader)).cookies
    }
    let renewed: LaunchRecord
    try {
      renewed = await this.#refreshOnce(launch, launch.refreshToken)
    } catch (cause) {
      const error = asFhirAuthError(cause, 'token_unavailable', 'The token could not be renewed.')
      const reason = error.code === 'invalid_id_token' ? error.code : error.error
      if (reason !== 'invalid_grant' && reason !== 'invalid_id_token') {
        emit({ type: 'refresh_failed', ...origin, error })
        return undefined
      }
      emit({ type: 'launch_ended', ...origin, reason })
      return { isRenewed: false, cookies: await replacedBy(endedLaunch(launch)) }
    }
    emit({ type: 'refresh', ...origin })
    await hooks.afterRefresh?.(this.contextOf('', renewed))
    return { isRenewed: isUsable(renewed, this.#parts.now()), cookies: await replacedBy(renewed) }
  }

  /** Tabs that come at once, here in this process, share one refresh. */
  #refreshOnce(launch: LaunchRecord, refreshToken: string): Promise<LaunchRecord> {
    const known = this.#refreshes.get(refreshToken)
    if (known) return known
    const refresh = this.#parts.flow.refresh(launch).finally(() => this.#refreshes.delete(refreshToken))
    this.#refreshes.set(refreshToken, refresh)
    return refresh
  }

  /** @param launches - oldest first: they go first where not all fit */
  async #write(
    launches: readonly LaunchRecord[],
    endsAt: number,
    cookieHeader: string | undefined,
  ): Promise<SessionChange> {
    const { settings, now } = this.#parts
    for (let kept = launches; ; kept = kept.slice(1)) {
      const tokensEndAt = Math.max(...kept.map(({ expiresAt }) => expiresAt))
      // The browser cannot be told of each use, so being idle begins when the last token has run out.
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
    const session = (await this.#sealer.open(sealed)) as SessionRecord | undefined
    if (session === undefined) return undefined
    this.#opened.set(sealed, session)
    const [oldest] = this.#opened.size > MAX_OPENED ? this.#opened.keys() : []
    if (oldest !== undefined) this.#opened.delete(oldest)
    return this.#liveOnly(session)
  }

  #liveOnly(session: SessionRecord): SessionRecord | undefined {
    return session.expiresAt > this.#parts.now() ? session : undefined
  }
}

/** The launch of the page that somebody wants to get back to, where it is clear which one that is. */
function launchOfPage(session: SessionRecord, page: AdapterRequest): LaunchRecord | undefined {
  try {
    return chooseLaunch(session.launches, page)
  } catch {
    return undefined
  }
}
