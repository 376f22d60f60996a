import type { AdapterRequest } from '../adapter-contract.ts'
import { FhirAuthError } from '../errors.ts'
import type { FetchFunction, FhirContext } from '../fhir-context.ts'
import { randomToken } from '../oauth/pkce.ts'
import type { MaybePromise } from '../options.ts'
import { isDueForRenewal, isUsable } from '../token-lifetime.ts'
import { type CookiePolicy, clearCookie, cookieName, readCookie, setCookie } from './cookies.ts'
import { chooseLaunch } from './launch-choice.ts'
import { contextOfRecord } from './launch-record.ts'
import type { Refresher } from './refresher.ts'
import type { SessionLock } from './session-lock.ts'
import type { LaunchRecord, RecordStore, SessionRecord } from './stores/session-store.ts'

export interface SessionSettings {
  readonly policy: CookiePolicy
  /** Without prefix. */
  readonly cookieName: string
  readonly lifetimeSeconds: number
}

/** Launches one browser session keeps; beyond it the oldest goes. */
const MAX_LAUNCHES = 10

/**
 * Browser sessions: an opaque cookie, the launches it stands for, and the context of each. Finding a live context is the
 * way of every request: with a synchronous store it makes no promise and no object.
 */
export class Sessions {
  readonly #store: RecordStore
  readonly #lock: SessionLock
  readonly #refresher: Refresher
  readonly #settings: SessionSettings
  readonly #cookieName: string
  readonly #send: FetchFunction
  readonly #now: () => number
  readonly #contexts = new WeakMap<LaunchRecord, FhirContext>()

  constructor(
    store: RecordStore,
    lock: SessionLock,
    refresher: Refresher,
    settings: SessionSettings,
    send: FetchFunction,
    now: () => number,
  ) {
    this.#store = store
    this.#lock = lock
    this.#refresher = refresher
    this.#settings = settings
    this.#cookieName = cookieName(settings.cookieName, settings.policy)
    this.#send = send
    this.#now = now
  }

  /**
   * The context of the launch that a request belongs to; undefined when nobody is logged in.
   *
   * @throws `ambiguous_launch`, `session_store_failed`, or why an expired token could not be renewed
   */
  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined> {
    const id = this.#idOf(request.header('cookie'))
    if (id === undefined) return undefined
    const record = this.#store.get(id)
    return record instanceof Promise
      ? record.then((found) => this.#contextOfSession(id, found, request))
      : this.#contextOfSession(id, record, request)
  }

  #contextOfSession(
    id: string,
    session: SessionRecord | undefined,
    request: AdapterRequest,
  ): MaybePromise<FhirContext | undefined> {
    if (session === undefined) return undefined
    const launch = chooseLaunch(session.launches, request)
    if (launch === undefined) return undefined
    const now = this.#now()
    if (!isDueForRenewal(launch, now)) return this.#contextOf(id, launch)
    if (!isUsable(launch, now)) {
      if (launch.refreshToken === undefined) return undefined
      return this.#refresher.renew(id, launch.launchId).then((renewed) => renewed && this.#contextOf(id, renewed))
    }
    // Still good: serve it, and get the next one meanwhile.
    if (launch.refreshToken !== undefined) this.#refresher.renewInBackground(id, launch.launchId)
    return this.#contextOf(id, launch)
  }

  #contextOf(id: string, launch: LaunchRecord): FhirContext {
    const known = this.#contexts.get(launch)
    if (known !== undefined) return known
    const context = contextOfRecord(launch, this.#tokensOf(id, launch.launchId), this.#send)
    this.#contexts.set(launch, context)
    return context
  }

  /** `fhir.fetch` asks here, so that it sends the newest token however old its context is. */
  #tokensOf(id: string, launchId: string) {
    const ended = () => new FhirAuthError('session_ended', 'The session has ended. The person must log in again.')
    const newest = async () => (await this.#store.get(id))?.launches.find((launch) => launch.launchId === launchId)
    return {
      current: async () => {
        const launch = await newest()
        if (launch && isUsable(launch, this.#now())) return launch.accessToken
        const renewed = launch?.refreshToken ? await this.#refresher.renew(id, launchId) : undefined
        if (!renewed) throw ended()
        return renewed.accessToken
      },
      replace: async (refused: string) => {
        const launch = await newest()
        if (launch && launch.accessToken !== refused) return launch.accessToken
        if (!launch?.refreshToken) return undefined
        return (await this.#refresher.renew(id, launchId, refused))?.accessToken
      },
    }
  }

  /** Takes a finished login into the browser's session, under a new id (against session fixation), and returns the cookie. */
  async add(cookieHeader: string | undefined, launch: LaunchRecord): Promise<{ cookie: string; launches: number }> {
    const previousId = this.#idOf(cookieHeader)
    // Under the lock: a refresh that ends meanwhile must not write its rotated token into the session we leave.
    return previousId === undefined
      ? this.#addTo(undefined, launch)
      : this.#lock.hold(previousId, () => this.#addTo(previousId, launch))
  }

  async #addTo(previousId: string | undefined, launch: LaunchRecord): Promise<{ cookie: string; launches: number }> {
    const previous = previousId === undefined ? undefined : await this.#store.get(previousId)
    const others = (previous?.launches ?? []).filter((other) => this.#isKept(other, launch))
    // As new records: a context belongs to its record, and must ask for its tokens under the new id.
    const moved = others.map((other) => Object.freeze({ ...other }))
    const launches = Object.freeze([...moved, launch].slice(-MAX_LAUNCHES))
    const { lifetimeSeconds, policy } = this.#settings
    const id = randomToken()
    await this.#store.set(id, Object.freeze({ launches, expiresAt: this.#now() + lifetimeSeconds * 1000 }))
    if (previousId !== undefined) await this.#store.delete(previousId)
    return { cookie: setCookie(this.#cookieName, id, lifetimeSeconds, policy), launches: launches.length }
  }

  /** Not those that can no longer get a token, nor the one that this login repeats for the same patient and encounter. */
  #isKept(other: LaunchRecord, added: LaunchRecord): boolean {
    if (!other.refreshToken && !isUsable(other, this.#now())) return false
    return (
      other.fhirBaseUrl !== added.fhirBaseUrl ||
      other.patient !== added.patient ||
      other.encounter !== added.encounter ||
      other.idToken?.sub !== added.idToken?.sub
    )
  }

  /** Ends the browser's session here and now; what it held is returned for revocation. */
  async end(cookieHeader: string | undefined): Promise<{ cookie: string; launches: readonly LaunchRecord[] }> {
    const id = this.#idOf(cookieHeader)
    const session = id === undefined ? undefined : await this.#store.get(id)
    if (id !== undefined) await this.#store.delete(id)
    return { cookie: clearCookie(this.#cookieName, this.#settings.policy), launches: session?.launches ?? [] }
  }

  #idOf(cookieHeader: string | undefined): string | undefined {
    const id = cookieHeader === undefined ? undefined : readCookie(cookieHeader, this.#cookieName)
    return id === '' ? undefined : id
  }
}
