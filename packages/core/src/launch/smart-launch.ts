import type { LaunchClient } from '../client/client.ts'
import { FhirAuthError } from '../errors.ts'
import { createEmit, type Emit } from '../events.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import { stateOfResponse } from '../oauth/authorization-response.ts'
import type { BackChannel } from '../oauth/token-request.ts'
import { CookieSessions } from '../session/cookie-sessions.ts'
import type { LaunchRecord } from '../session/record.ts'
import { Refresher } from '../session/refresher.ts'
import type { SessionChange, SessionKeeper } from '../session/session-keeper.ts'
import { StoredSessions } from '../session/stored-sessions.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { randomToken } from '../shared/random.ts'
import { SessionLock } from '../store/lease.ts'
import { createSealer } from '../store/sealing.ts'
import type { RecordStore } from '../store/store.ts'
import { type AdapterRequest, type Answer, type FhirHandler, hasPath, pathOf } from '../web/adapter-contract.ts'
import { pageAnswer, problemAnswer, redirectAnswer } from '../web/answers.ts'
import { addressWithLaunch, namesLaunch, withLaunchId } from '../web/launch-id.ts'
import { authorizationForm, loginChoice } from '../web/pages.ts'
import { LaunchFlow } from './flow.ts'
import { askFrameForCookies } from './frame-check.ts'
import { checkSmartLaunchOptions, type SmartLaunchOptions, type SmartLaunchSettings } from './options.ts'
import { PendingLogins } from './pending-login.ts'
import { checkedReturnTo } from './return-to.ts'

/**
 * A SMART app launch: logs people in (standalone or from the EHR) and gives each of their requests its context.
 * Make one with {@link createSmartLaunch}; one instance can serve a web app, a job and a test.
 */
export class SmartLaunch implements FhirHandler {
  readonly kind = 'launch'
  readonly #settings: SmartLaunchSettings
  readonly #store: RecordStore
  readonly #flow: LaunchFlow
  readonly #pendingLogins: PendingLogins
  readonly #sessions: SessionKeeper
  readonly #emit: Emit

  constructor(options: SmartLaunchOptions) {
    const settings = checkSmartLaunchOptions(options)
    const { http, now, session, hooks } = settings
    const channel: BackChannel = { http, now }
    const emit = createEmit(hooks.onEvent)
    const store = settings.openStore((error) => emit({ type: 'store_failed', error }))
    const lock = new SessionLock(store, http.timeoutSeconds)
    const flow = new LaunchFlow(settings, channel)
    const refresher = new Refresher({
      ...{ store, lock, channel, emit },
      sourcesOf: (launch) => flow.sourcesOf(launch),
      revoke: (launch) => flow.revoke(launch),
      onRefreshed: (id, launch) => hooks.afterRefresh?.(this.#sessions.contextOf(id, launch)),
    })
    this.#settings = settings
    this.#store = store
    this.#flow = flow
    this.#emit = emit
    const sealer = createSealer(settings.secrets, 'login')
    this.#pendingLogins = new PendingLogins(sealer, session.policy, settings.loginTimeoutSeconds, now)
    const parts = { settings: session, send: http.fetch ?? globalThis.fetch, now }
    this.#sessions = settings.sessionsInCookies
      ? new CookieSessions({ ...parts, flow, emit, hooks, secrets: settings.secrets })
      : new StoredSessions({ ...parts, store, lock, refresher })
  }

  get paths(): readonly string[] {
    const { callback, launch, login, logout } = this.#settings.paths
    return [callback, launch, login, logout].filter((path) => path !== undefined)
  }

  handles(url: string): boolean {
    const { callback, launch, login, logout } = this.#settings.paths
    return hasPath(url, callback) || hasPath(url, launch) || hasPath(url, login) || hasPath(url, logout)
  }

  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined> {
    try {
      return this.#sessions.contextFor(request)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Where to log in, as the browser sees it, and come back to this request; undefined when only an EHR can launch the app. */
  loginUrl(request: AdapterRequest): string | undefined {
    const { paths, pathPrefix } = this.#settings
    if (paths.login === undefined) return undefined
    // The way back says which launch the page belonged to: our redirects carry no referrer.
    const address = addressWithLaunch(request)
    const returnTo = pathPrefix + (address === undefined ? request.url : pathOf(request.url) + address)
    return `${pathPrefix}${paths.login}?${new URLSearchParams({ returnTo })}`
  }

  /** Answers launch, login, callback and logout. Problems are answers; what is thrown is a fault of the app or this library. */
  async answer(request: AdapterRequest): Promise<Answer> {
    const { paths, origin, pathPrefix } = this.#settings
    const path = pathOf(request.url)
    const query = new URL(request.url, origin).searchParams
    try {
      if (path === paths.logout) return await this.#logOut(request)
      requireMethod(request, 'GET')
      if (path === paths.launch) return await this.#launchFromEhr(query, request)
      if (path === paths.login) return await this.#logIn(query, request)
      return await this.#callBack(query, request)
    } catch (error) {
      if (!(error instanceof FhirAuthError)) throw error
      if (path !== paths.logout) this.#emit({ type: 'login_failed', code: error.code, error })
      const state = path === paths.callback ? query.get('state') : null
      // Only a login of this browser's own is ended: others know no cookie by that state.
      const cookies = state ? [this.#pendingLogins.end(state)] : []
      const login = paths.login && path !== paths.logout ? pathPrefix + paths.login : undefined
      return problemAnswer(error, request, { cookies, retryUrl: login })
    }
  }

  /** SMART App Launch 2.2 "Launch App: EHR Launch". The issuer is looked up before any request goes to it. */
  async #launchFromEhr(query: URLSearchParams, request: AdapterRequest): Promise<Answer> {
    const [iss, ...moreIssuers] = query.getAll('iss')
    const [launch, ...moreLaunches] = query.getAll('launch')
    if (!iss || !launch || moreIssuers.length > 0 || moreLaunches.length > 0) {
      throw new FhirAuthError('invalid_launch', 'An EHR launch needs the parameters iss and launch, each once.')
    }
    // `aud` is the `iss` of the launch to the letter, whichever slash the registration ends with.
    const client = { ...(await this.#flow.clientAt(iss)), fhirBaseUrl: iss }
    const { session, pathPrefix, paths } = this.#settings
    // Before the launch handle is used up: it serves once.
    const detour = askFrameForCookies(request, query, `${pathPrefix}${paths.launch}`, session.policy)
    return detour ?? this.#begin(client, launch, paths.home, request)
  }

  async #logIn(query: URLSearchParams, request: AdapterRequest): Promise<Answer> {
    const returnTo = checkedReturnTo(query.get('returnTo'), this.#settings.paths.home)
    const iss = query.get('iss')
    const renewal = iss === null ? await this.#sessions.renew?.(request, returnTo) : undefined
    if (renewal?.isRenewed) return redirectAnswer(returnTo, renewal.cookies)
    const answer = await this.#logInAnew(iss, returnTo, request)
    return renewal ? { ...answer, cookies: [...renewal.cookies, ...answer.cookies] } : answer
  }

  async #logInAnew(iss: string | null, returnTo: string, request: AdapterRequest): Promise<Answer> {
    const { clients, pathPrefix, paths } = this.#settings
    const [only, ...others] = clients.listed
    if (iss === null && only && others.length > 0) {
      return pageAnswer(loginChoice(clients.listed, `${pathPrefix}${paths.login}`, returnTo))
    }
    const client = iss === null ? only : await this.#flow.clientAt(iss)
    if (client) return this.#begin(client, undefined, returnTo, request)
    const message = `Say which server to log in at: ${paths.login}?iss=<FHIR base URL>.`
    throw new FhirAuthError('unknown_issuer', message, { status: 400 })
  }

  async #begin(
    client: LaunchClient,
    launch: string | undefined,
    returnTo: string,
    request: AdapterRequest,
  ): Promise<Answer> {
    const authorization = await this.#flow.begin(client, launch)
    const { checks, method, url, endpoint, parameters } = authorization
    const login = { checks, isEhrLaunch: launch !== undefined, returnTo, startedAt: this.#settings.now() }
    const cookies = await this.#pendingLogins.begin(login, request.header('cookie'))
    if (method === 'GET') return redirectAnswer(url, cookies)
    const { html, scriptHash } = authorizationForm(endpoint, parameters)
    return pageAnswer(html, 200, cookies, scriptHash)
  }

  async #callBack(query: URLSearchParams, request: AdapterRequest): Promise<Answer> {
    const { loginTimeoutSeconds } = this.#settings
    const cookieHeader = request.header('cookie')
    const state = stateOfResponse(query)
    const { checks, isEhrLaunch, returnTo } = await this.#pendingLogins.find(state, cookieHeader)
    // Taken before the code is used, so that two callbacks at once make one exchange.
    if (!(await this.#store.claim(`login ${state}`, randomToken(), loginTimeoutSeconds))) {
      throw new FhirAuthError('transaction_used', 'This login is already completed. Go to the app, or log in again.')
    }
    const launch = await this.#flow.complete(query, checks)
    const { launchId, fhirBaseUrl, clientId, patient } = launch
    const { cookies, launches } = await this.#openSession(cookieHeader, launch)
    this.#emit({ type: 'login', fhirBaseUrl, clientId, launchId, isEhrLaunch, patient })
    // A person may have several patients open, or be about to: then each page says which launch it belongs to.
    const isOneOfSeveral = isEhrLaunch || launches > 1 || this.#pendingLogins.countIn(cookieHeader) > 1
    const location = isOneOfSeveral || namesLaunch(returnTo) ? withLaunchId(returnTo, launchId) : returnTo
    return redirectAnswer(location, [this.#pendingLogins.end(state), ...cookies])
  }

  /** Where the app's hook or the store stops it, nothing is left of the login, and the session before it goes on. */
  async #openSession(cookieHeader: string | undefined, launch: LaunchRecord): Promise<SessionChange> {
    let id: string | undefined
    try {
      id = await this.#sessions.open(launch)
      await this.#settings.hooks.afterLogin?.(this.#sessions.contextOf(id, launch))
      return await this.#sessions.handOver(cookieHeader, id, launch)
    } catch (error) {
      if (id !== undefined) await this.#sessions.discard(id).catch(() => {})
      await this.#flow.revoke(launch).catch(() => {})
      throw error
    }
  }

  /** Ends the session here first; telling the authorization server comes second, and may fail (RFC 7009). */
  async #logOut(request: AdapterRequest): Promise<Answer> {
    const { origin, paths, logoutAtServer } = this.#settings
    requireMethod(request, 'POST')
    // A form on another site must not log people out. Origin is `null` from a page with Referrer-Policy: no-referrer
    // (Fetch §3.2), which many apps send; Sec-Fetch-Site knows better, and no page can forge it.
    const isOwnPage = request.header('sec-fetch-site') === 'same-origin'
    if (!isOwnPage && request.header('origin') !== origin) {
      const message = `Logout takes a POST from a page of ${origin}, with its Origin header.`
      throw new FhirAuthError('cross_origin_request', message)
    }
    const { cookies, launches } = await this.#sessions.end(request.header('cookie'))
    const live = launches.filter(({ accessToken }) => accessToken !== '')
    for (const { fhirBaseUrl, clientId, launchId } of live) {
      this.#emit({ type: 'launch_ended', fhirBaseUrl, clientId, launchId, reason: 'logout' })
    }
    await Promise.allSettled(live.map((launch) => this.#flow.revoke(launch)))
    const [last] = live.slice(-1)
    const atServer =
      last && logoutAtServer
        ? await this.#flow.logoutUrl(last, origin + paths.loggedOut).catch(() => undefined)
        : undefined
    return redirectAnswer(atServer ?? paths.loggedOut, cookies)
  }
}

/**
 * Makes a SMART app launch, its options checked at once.
 *
 * @throws `invalid_option`, `insecure_url` naming the option and what to write instead
 */
export function createSmartLaunch(options: SmartLaunchOptions): SmartLaunch {
  return new SmartLaunch(options)
}

function requireMethod(request: AdapterRequest, method: 'GET' | 'POST'): void {
  if (request.method === method) return
  throw new FhirAuthError('method_not_allowed', `${pathOf(request.url)} takes ${method}, not ${request.method}.`)
}
