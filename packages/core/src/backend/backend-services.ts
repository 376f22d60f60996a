import type { KeyStatus } from '../client/keys/key-set.ts'
import type { FhirAuthError } from '../errors.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import { isFailing, type LastOutcomes, type TokenHealth } from '../health.ts'
import { type OptionRules, optionalText, readOptions, requireScope } from '../options.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { type AdapterRequest, type Answer, type FhirHandler, hasPath } from '../web/adapter-contract.ts'
import { setProblemSettings } from '../web/problem-settings.ts'
import { answerJwks } from './jwks-route.ts'
import { type BackendServicesOptions, type BackendServicesSettings, checkBackendServicesOptions } from './options.ts'
import { BackendTokens } from './tokens.ts'

/** What to get a token for, where the options do not say. */
export interface BackendTarget {
  /** Needed only with several registrations. */
  fhirBaseUrl?: string | undefined
  /** Scopes for this use. Default: those of {@link BackendServices.withScope}, else the registration's. */
  scope?: string | undefined
}

/** What a process knows of its tokens and keys. */
export interface BackendHealth {
  /** Each token was got at the last try, or lives still, and a key may sign now. */
  readonly isHealthy: boolean
  readonly tokens: readonly TokenHealth[]
  /** Of shared tokens: only its failures are noted. Without the store, each process asks for itself. */
  readonly store: LastOutcomes
  readonly keys: readonly KeyStatus[]
  /** Why the source of the keys could not be read the last time. The set stays as it was. */
  readonly keysFailure: FhirAuthError | undefined
}

const TARGET = { fhirBaseUrl: optionalText, scope: optionalText } satisfies OptionRules<BackendTarget>
const SCOPE_REMEDY = 'Write what the job needs, or leave it out.'

/**
 * Backend services: tokens for the app itself (SMART App Launch 2.2 "Backend Services"), cached and shared by all its
 * requests, and the JWKS that the authorization server fetches. Make one with {@link createBackendServices}.
 */
export class BackendServices implements FhirHandler {
  readonly kind = 'backend'
  readonly #settings: BackendServicesSettings
  readonly #tokens: BackendTokens
  readonly #scope: string | undefined

  /** @param part - what {@link withScope} gives on; not for callers */
  constructor(
    options: BackendServicesOptions,
    part?: { settings: BackendServicesSettings; tokens: BackendTokens; scope: string },
  ) {
    this.#settings = part?.settings ?? checkBackendServicesOptions(options)
    this.#tokens = part?.tokens ?? new BackendTokens(this.#settings)
    this.#scope = part?.scope
    setProblemSettings(this, this.#settings.problems)
  }

  get paths(): readonly string[] {
    const { jwksPath } = this.#settings
    return jwksPath === undefined ? [] : [jwksPath]
  }

  handles(url: string): boolean {
    return hasPath(url, this.#settings.jwksPath)
  }

  answer(request: AdapterRequest): MaybePromise<Answer> {
    try {
      return answerJwks(request, this.#settings)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  contextFor(request: AdapterRequest): MaybePromise<FhirContext> {
    const waitUntil = request.waitUntil && ((work: Promise<unknown>) => request.waitUntil?.(work))
    try {
      return this.#tokens.context({ fhirBaseUrl: undefined, scope: this.#scope, waitUntil })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * A context with a valid token: at once when one is cached, else after one token request, however many ask.
   *
   * @throws `invalid_option` for an empty scope, `unknown_issuer`, `discovery_failed`, `token_request_refused` and what a request can throw
   */
  context(target?: BackendTarget): MaybePromise<FhirContext> {
    if (target === undefined) return this.#tokens.context({ fhirBaseUrl: undefined, scope: this.#scope })
    const { fhirBaseUrl, scope = this.#scope } = readOptions(target, TARGET, 'context()')
    return this.#tokens.context({ fhirBaseUrl, scope })
  }

  /** What this process knows, without asking anybody: for a status page or an alarm. */
  health(): BackendHealth {
    const { keys, now } = this.#settings
    const { tokens, store } = this.#tokens.health()
    const present = now()
    const isServed = (token: TokenHealth) => !isFailing(token) || (token.expiresAt ?? 0) > present
    const states = keys?.states(present) ?? []
    const canSign = keys === undefined || states.some(({ state }) => state === 'active')
    const isHealthy = canSign && tokens.every(isServed)
    return { isHealthy, tokens, store, keys: states, keysFailure: keys?.failure }
  }

  /** The same, after each listed registration was asked for a token, unless there is a valid one. Never rejects. */
  async probe(): Promise<BackendHealth> {
    const { clients } = this.#settings
    await Promise.allSettled(clients.listed.map(async ({ fhirBaseUrl }) => this.context({ fhirBaseUrl })))
    return this.health()
  }

  /** Resolves when no token request is under way here any more: for a shutdown that loses nothing. Never rejects. */
  idle(): Promise<void> {
    return this.#tokens.idle()
  }

  /**
   * The same backend with other scopes, for the routes or the job that need them: it shares keys and tokens with this one,
   * and can be mounted in its own place. The JWKS stays with this one.
   *
   * @throws `invalid_option` for an empty scope
   */
  withScope(scope: string): BackendServices {
    requireScope(scope, 'scope', SCOPE_REMEDY)
    const settings = { ...this.#settings, jwksPath: undefined }
    return new BackendServices({ registrations: [] }, { settings, tokens: this.#tokens, scope })
  }
}

/**
 * Makes backend services, their options checked at once.
 *
 * @throws `invalid_option`, `insecure_url` naming the option and what to write instead
 */
export function createBackendServices(options: BackendServicesOptions): BackendServices {
  return new BackendServices(options)
}
