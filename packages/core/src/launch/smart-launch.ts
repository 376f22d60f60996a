import { type AdapterRequest, type Answer, type FhirHandler, hasPath, pathOf } from '../adapter-contract.ts'
import { pageAnswer, problemAnswer, redirectAnswer } from '../answers.ts'
import type { NeededMember } from '../discovery/discover.ts'
import { MetadataCache } from '../discovery/metadata-cache.ts'
import type { ServerMetadata } from '../discovery/server-metadata.ts'
import { FhirAuthError } from '../errors.ts'
import type { FhirContext } from '../fhir-context.ts'
import {
  type AuthorizationChecks,
  createAuthorizationRequest,
  type LaunchClient,
} from '../oauth/authorization-request.ts'
import { checkAuthorizationResponse, stateOfResponse } from '../oauth/authorization-response.ts'
import { exchangeCode } from '../oauth/grants.ts'
import { IssuerKeys } from '../oauth/issuer-keys.ts'
import { randomToken } from '../oauth/pkce.ts'
import { revokeToken } from '../oauth/revocation.ts'
import type { BackChannel } from '../oauth/token-request.ts'
import type { MaybePromise } from '../options.ts'
import { ScopeSet } from '../scopes.ts'
import { namesLaunch, withLaunchId } from './launch-choice.ts'
import { type RecordSources, recordLaunch } from './launch-record.ts'
import { authorizationForm, loginChoice } from './pages.ts'
import { Refresher } from './refresher.ts'
import { checkedReturnTo } from './return-to.ts'
import { createSealer } from './sealing.ts'
import { SessionLock } from './session-lock.ts'
import { Sessions } from './sessions.ts'
import { checkSmartLaunchOptions, type SmartLaunchOptions, type SmartLaunchSettings } from './smart-launch-options.ts'
import type { LaunchRecord } from './stores/session-store.ts'
import { Transactions } from './transaction.ts'

/**
 * A SMART app launch: logs people in (standalone or from the EHR) and gives each of their requests its context.
 * Make one with {@link createSmartLaunch}; one instance can serve a web app, a job and a test.
 */
export class SmartLaunch implements FhirHandler {
  readonly kind = 'launch'
  readonly paths: readonly string[]
  readonly #settings: SmartLaunchSettings
  readonly #channel: BackChannel
  readonly #metadata: MetadataCache
  readonly #issuerKeys: IssuerKeys
  readonly #transactions: Transactions
  readonly #sessions: Sessions

  constructor(options: SmartLaunchOptions) {
    const settings = checkSmartLaunchOptions(options)
    const { http, now, secrets, session, store } = settings
    this.#settings = settings
    this.paths = Object.values(settings.paths).filter((path) => path !== undefined)
    this.#channel = { http, now }
    this.#metadata = new MetadataCache(http, now)
    this.#issuerKeys = new IssuerKeys(http, now)
    const sealer = createSealer(secrets, 'login')
    this.#transactions = new Transactions(sealer, session.policy, settings.loginTimeoutSeconds, now)
    const lock = new SessionLock(store, settings.http.timeoutSeconds)
    const refresher = new Refresher(store, lock, (launch) => this.#sourcesOfLaunch(launch), this.#channel)
    this.#sessions = new Sessions(store, lock, refresher, session, http.fetch ?? globalThis.fetch, now)
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
    return `${pathPrefix}${paths.login}?${new URLSearchParams({ returnTo: pathPrefix + request.url })}`
  }

  /** Answers launch, login, callback and logout. Problems are answers; what is thrown is a fault of the app or this library. */
  async answer(request: AdapterRequest): Promise<Answer> {
    const { paths } = this.#settings
    const path = pathOf(request.url)
    const query = new URL(request.url, this.#settings.origin).searchParams
    try {
      if (path === paths.logout) return await this.#logOut(request)
      requireMethod(request, 'GET')
      if (path === paths.launch) return await this.#launchFromEhr(query, request)
      if (path === paths.login) return await this.#logIn(query, request)
      return await this.#callBack(query, request)
    } catch (error) {
      if (!(error instanceof FhirAuthError)) throw error
      const state = path === paths.callback ? query.get('state') : null
      // Only a login of this browser's own is ended: others know no cookie by that state.
      const cookies = state ? [this.#transactions.end(state)] : []
      const login = paths.login && path !== paths.logout ? this.#settings.pathPrefix + paths.login : undefined
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
    const client = { ...(await this.#clientAt(iss)), fhirBaseUrl: iss }
    return this.#begin(client, launch, this.#settings.afterLogin, request)
  }

  async #logIn(query: URLSearchParams, request: AdapterRequest): Promise<Answer> {
    const { clients, afterLogin, pathPrefix, paths } = this.#settings
    const returnTo = checkedReturnTo(query.get('returnTo'), afterLogin)
    const iss = query.get('iss')
    const [only, ...others] = clients.listed
    if (iss === null && only && others.length > 0) {
      return pageAnswer(loginChoice(clients.listed, `${pathPrefix}${paths.login}`, returnTo))
    }
    const client = iss === null ? only : await this.#clientAt(iss)
    if (!client)
      throw new FhirAuthError('unknown_issuer', 'Say which server to log in at: /login?iss=<FHIR base URL>.', {
        status: 400,
      })
    return this.#begin(client, undefined, returnTo, request)
  }

  async #begin(
    client: LaunchClient,
    launch: string | undefined,
    returnTo: string,
    request: AdapterRequest,
  ): Promise<Answer> {
    const metadata = await this.#metadataOf(client)
    const authorization = await createAuthorizationRequest(client, metadata, launch)
    const transaction = {
      checks: authorization.checks,
      isEhrLaunch: launch !== undefined,
      returnTo,
      startedAt: this.#settings.now(),
    }
    const cookies = await this.#transactions.begin(transaction, request.header('cookie'))
    if (authorization.method === 'GET') return redirectAnswer(authorization.url, cookies)
    const { html, scriptHash } = authorizationForm(authorization.endpoint, authorization.parameters)
    return pageAnswer(html, 200, cookies, scriptHash)
  }

  async #callBack(query: URLSearchParams, request: AdapterRequest): Promise<Answer> {
    const { loginTimeoutSeconds, now, store } = this.#settings
    const cookieHeader = request.header('cookie')
    const state = stateOfResponse(query)
    const { checks, isEhrLaunch, returnTo } = await this.#transactions.find(state, cookieHeader)
    // Taken before the code is used, so that two callbacks at once make one exchange.
    if (!(await store.claim(`login ${state}`, loginTimeoutSeconds))) {
      throw new FhirAuthError('transaction_used', 'This login is already completed. Go to the app, or log in again.')
    }
    const code = checkAuthorizationResponse(query, checks)
    const client = await this.#clientAt(checks.fhirBaseUrl)
    const sources = await this.#sourcesOf(client, checks)
    const response = await exchangeCode(client, checks, code, sources.server, this.#channel)
    const launchId = randomToken().slice(0, 22)
    const launch = await recordLaunch(launchId, response, { nonce: checks.nonce }, { ...sources, now: now() })
    const { cookie, launches } = await this.#sessions.add(cookieHeader, launch)
    // A person may have several patients open, or be about to: then each page says which launch it belongs to.
    const isOneOfSeveral = isEhrLaunch || launches > 1 || this.#transactions.countIn(cookieHeader) > 1
    const location = isOneOfSeveral || namesLaunch(returnTo) ? withLaunchId(returnTo, launchId) : returnTo
    return redirectAnswer(location, [this.#transactions.end(state), cookie])
  }

  /** Ends the session here first; telling the authorization server comes second, and may fail (RFC 7009). */
  async #logOut(request: AdapterRequest): Promise<Answer> {
    requireMethod(request, 'POST')
    // A form on another site must not log people out. Origin is `null` from a page with Referrer-Policy: no-referrer
    // (Fetch §3.2), which many apps send; Sec-Fetch-Site knows better, and no page can forge it.
    const isOwnPage = request.header('sec-fetch-site') === 'same-origin'
    if (!isOwnPage && request.header('origin') !== this.#settings.origin) {
      throw new FhirAuthError(
        'cross_origin_request',
        `Logout takes a POST from a page of ${this.#settings.origin}, with its Origin header.`,
      )
    }
    const { cookie, launches } = await this.#sessions.end(request.header('cookie'))
    await Promise.allSettled(launches.map((launch) => this.#revoke(launch)))
    return redirectAnswer(this.#settings.afterLogout, [cookie])
  }

  async #revoke(launch: LaunchRecord): Promise<void> {
    const { client, metadata, server } = await this.#sourcesOfLaunch(launch)
    const endpoint = metadata.revocation_endpoint
    if (!endpoint) return
    const [token, hint] = launch.refreshToken
      ? ([launch.refreshToken, 'refresh_token'] as const)
      : ([launch.accessToken, 'access_token'] as const)
    await revokeToken(client, server, endpoint, token, hint, this.#channel)
  }

  async #clientAt(fhirBaseUrl: string): Promise<LaunchClient> {
    const client = await this.#settings.clients.find(fhirBaseUrl)
    if (client) return client
    throw new FhirAuthError(
      'unknown_issuer',
      'The app is not registered at the server that this launch names. Add it to registrations if it should be.',
    )
  }

  #metadataOf(client: LaunchClient): Promise<ServerMetadata> {
    const needed: NeededMember[] = ['authorization_endpoint', 'token_endpoint']
    if (ScopeSet.parse(client.scope).has('openid') && client.dialect.idToken.mode !== 'ignore') {
      needed.push('issuer', 'jwks_uri')
    }
    return this.#metadata.get({ ...client, discovery: client.dialect.discovery }, needed)
  }

  /** The token endpoint and issuer are those stored when the login began, whatever discovery says now. */
  async #sourcesOf(
    client: LaunchClient,
    stored: Pick<AuthorizationChecks, 'tokenEndpoint' | 'issuer'>,
  ): Promise<Omit<RecordSources, 'now'>> {
    const discovered = await this.#metadataOf(client)
    const { tokenEndpoint, issuer } = stored
    const acceptedAlgorithms = discovered.token_endpoint_auth_signing_alg_values_supported
    const metadata = issuer === undefined ? discovered : { ...discovered, issuer }
    return { client, metadata, server: { tokenEndpoint, issuer, acceptedAlgorithms }, issuerKeys: this.#issuerKeys }
  }

  async #sourcesOfLaunch(launch: LaunchRecord): Promise<RecordSources> {
    const client = await this.#clientAt(launch.fhirBaseUrl)
    return { ...(await this.#sourcesOf(client, launch)), now: this.#settings.now() }
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
