import { FhirAuthError } from '../errors.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { type AdapterRequest, type Answer, type FhirHandler, hasPath, pathOf } from '../web/adapter-contract.ts'
import { problemAnswer, refuseMethod } from '../web/answers.ts'
import { framedFor } from '../web/frame-ancestors.ts'
import { addressWithLaunch } from '../web/launch-id.ts'
import { setProblemSettings } from '../web/problem-settings.ts'
import { type LaunchHealth, launchHealth, probeLaunch } from './launch-health.ts'
import { createLaunchParts, failedLogin, type LaunchSetup, loginPath, namedServer } from './launch-parts.ts'
import { checkSmartLaunchOptions, type SmartLaunchOptions } from './options.ts'
import { keepableAddress, pageBefore } from './return-to.ts'
import { answerCallback } from './routes/callback.ts'
import { answerLaunch } from './routes/launch.ts'
import { answerLogin } from './routes/login.ts'
import { answerLogout } from './routes/logout.ts'
import { isSpeculative, nothingYet } from './speculative-request.ts'

/**
 * A SMART app launch: logs people in (standalone or from the EHR) and gives each of their requests its context.
 * Make one with {@link createSmartLaunch}; one instance can serve a web app, a job and a test.
 */
export class SmartLaunch implements FhirHandler {
  readonly kind = 'launch'
  readonly #parts: LaunchSetup

  constructor(options: SmartLaunchOptions) {
    this.#parts = createLaunchParts(checkSmartLaunchOptions(options))
    setProblemSettings(this, this.#parts.settings.problems)
  }

  get paths(): readonly string[] {
    const { paths, moreCallbacks = [] } = this.#parts.settings
    const { callback, launch, login, logout } = paths
    return [callback, ...moreCallbacks, launch, login, logout].filter((path) => path !== undefined)
  }

  handles(url: string): boolean {
    const { paths, moreCallbacks } = this.#parts.settings
    const { callback, launch, login, logout } = paths
    if (hasPath(url, callback) || hasPath(url, launch) || hasPath(url, login) || hasPath(url, logout)) return true
    return moreCallbacks?.has(pathOf(url)) ?? false
  }

  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined> {
    try {
      return this.#parts.sessions.contextFor(request)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * The path of the login, as the browser sees it, that then returns to this request. Undefined if only an EHR can launch the
   * app.
   */
  loginUrl(request: AdapterRequest): string | undefined {
    const { settings, emit } = this.#parts
    return loginPath(settings, keepableAddress(this.#pageOf(request), emit))
  }

  /** The page to return to: the requested one, or for a form that was sent, the page with the form. */
  #pageOf(request: AdapterRequest): string | undefined {
    const { origin, pathPrefix } = this.#parts.settings
    if (request.method !== 'GET' && request.method !== 'HEAD') return pageBefore(request, origin)
    // Add the launch of the referrer, because our redirects send no referrer.
    const address = addressWithLaunch(request)
    return pathPrefix + (address === undefined ? request.url : pathOf(request.url) + address)
  }

  /** What this process knows, without sending a request: for a status page or an alarm. */
  health(): LaunchHealth {
    return launchHealth(this.#parts)
  }

  /** The same, after checking the store and each listed server. Never rejects. */
  async probe(): Promise<LaunchHealth> {
    await probeLaunch(this.#parts)
    return this.health()
  }

  /** Resolves when no refresh is running here any more: for a shutdown that loses no session. Never rejects. */
  idle(): Promise<void> {
    return this.#parts.sessions.idle()
  }

  /** Answers launch, login, callback and logout. Problems are answers too; it rejects only for a fault of the app or this library. */
  async answer(request: AdapterRequest): Promise<Answer> {
    return framedFor(this, await this.#answer(request))
  }

  async #answer(request: AdapterRequest): Promise<Answer> {
    const { paths, origin } = this.#parts.settings
    const path = pathOf(request.url)
    const allow = path === paths.logout ? 'POST' : 'GET'
    if (allow === 'GET' && isSpeculative(request)) return nothingYet()
    // Before anything else, so that a wrong method changes nothing.
    const refused = refuseMethod(request, allow, this.#parts.settings.problems)
    if (refused) return refused
    if (allow === 'POST') return this.#logOut(request)
    const parts = { ...this.#parts, startedAt: performance.now() }
    const query = new URL(request.url, origin).searchParams
    try {
      if (path === paths.launch) return await answerLaunch(parts, request, query)
      if (path === paths.login) return await answerLogin(parts, request, query)
      return await answerCallback(parts, request, query)
    } catch (error) {
      // A callback has an `iss` of another kind: the issuer.
      const fhirBaseUrl = path === paths.launch ? namedServer(parts, query) : undefined
      return failedLogin(parts, request, { error, fhirBaseUrl })
    }
  }

  async #logOut(request: AdapterRequest): Promise<Answer> {
    try {
      return await answerLogout(this.#parts, request)
    } catch (error) {
      if (error instanceof FhirAuthError) {
        return problemAnswer(error, request, { settings: this.#parts.settings.problems })
      }
      throw error
    }
  }
}

/**
 * Makes a SMART app launch, and checks the options.
 *
 * @throws `invalid_option`, `insecure_url` naming the option and what to write instead
 */
export function createSmartLaunch(options: SmartLaunchOptions): SmartLaunch {
  return new SmartLaunch(options)
}
