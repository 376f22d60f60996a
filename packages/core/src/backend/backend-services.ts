import type { KeyStatus } from '../client/keys/key-set.ts'
import type { FhirAuthError } from '../errors.ts'
import type { FhirContext } from '../fhir/fhir-context.ts'
import { isFailing, type LastOutcomes, type TokenHealth } from '../health.ts'
import { type OptionRules, optionalText, readOptions, requireScope } from '../options.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { type AdapterRequest, type Answer, type FhirHandler, hasPath, pathOf } from '../web/adapter-contract.ts'
import { setProblemSettings } from '../web/problem-settings.ts'
import { answerJwks } from './jwks-route.ts'
import { type BackendServicesOptions, type BackendServicesSettings, checkBackendServicesOptions } from './options.ts'
import { BackendTokens } from './tokens.ts'

/** Which token to get. */
export interface BackendTarget {
  /** Only needed with several registrations. */
  fhirBaseUrl?: string | undefined
  /** Default: the scopes of {@link BackendServices.withScope}, else those of the registration. */
  scope?: string | undefined
}

/** What a process knows of its tokens and keys. */
export interface BackendHealth {
  /** True if each token is valid or its last request succeeded, and a key can sign now. */
  readonly isHealthy: boolean
  readonly tokens: readonly TokenHealth[]
  /** The store of shared tokens; only failures are noted. While it fails, each process requests its own token. */
  readonly store: LastOutcomes
  readonly keys: readonly KeyStatus[]
  /** Why the keys could not be read the last time. The old keys stay in use. */
  readonly keysFailure: FhirAuthError | undefined
}

const TARGET = { fhirBaseUrl: optionalText, scope: optionalText } satisfies OptionRules<BackendTarget>
const SCOPE_REMEDY = 'Write what the job needs, or leave it out.'

/**
 * Backend services (SMART App Launch 2.2): gets tokens for the app itself, caches them for all its requests, and serves the
 * JWKS that the authorization server fetches. Make one with {@link createBackendServices}.
 */
export class BackendServices implements FhirHandler {
  readonly kind = 'backend'
  readonly #settings: BackendServicesSettings
  readonly #tokens: BackendTokens
  readonly #scope: string | undefined

  /** @param part - only for {@link withScope} */
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
    return [...this.#settings.jwks.keys()]
  }

  handles(url: string): boolean {
    const { jwksPath, jwks } = this.#settings
    // Most apps have one path, which is compared without making anything.
    return hasPath(url, jwksPath) || (jwks.size > 1 && jwks.has(pathOf(url)))
  }

  answer(request: AdapterRequest): Promise<Answer> {
    return answerJwks(request, this.#settings)
  }

  contextFor(request: AdapterRequest): MaybePromise<FhirContext | undefined> {
    if (this.#settings.servesKeysOnly) return Promise.resolve(undefined)
    const waitUntil = request.waitUntil && ((work: Promise<unknown>) => request.waitUntil?.(work))
    try {
      return this.#tokens.context({ fhirBaseUrl: undefined, scope: this.#scope, waitUntil })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * A context with a valid token. A cached token is returned without a promise. Otherwise all callers share one token
   * request.
   *
   * @throws `invalid_option` for an empty scope, `unknown_issuer`, `discovery_failed`, `token_request_refused`, and the
   *   errors of a request
   */
  context(target?: BackendTarget): MaybePromise<FhirContext> {
    if (target === undefined) return this.#tokens.context({ fhirBaseUrl: undefined, scope: this.#scope })
    const { fhirBaseUrl, scope = this.#scope } = readOptions(target, TARGET, 'context()')
    return this.#tokens.context({ fhirBaseUrl, scope })
  }

  /** What this process knows, without sending a request: for a status page or an alarm. */
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

  /** The same, after getting a token for each listed registration, unless there is a valid one. Never rejects. */
  async probe(): Promise<BackendHealth> {
    const { clients } = this.#settings
    await Promise.allSettled(clients.listed.map(async ({ fhirBaseUrl }) => this.context({ fhirBaseUrl })))
    return this.health()
  }

  /** Resolves when no token request is running any more: for a clean shutdown. Never rejects. */
  idle(): Promise<void> {
    return this.#tokens.idle()
  }

  /**
   * The same backend with other scopes, for routes or a job. It shares keys and tokens with this one, and can be mounted
   * separately. Only this one serves the JWKS.
   *
   * @throws `invalid_option` for an empty scope
   */
  withScope(scope: string): BackendServices {
    requireScope(scope, 'scope', SCOPE_REMEDY)
    const settings = { ...this.#settings, jwksPath: undefined, jwks: new Map() }
    return new BackendServices({ registrations: [] }, { settings, tokens: this.#tokens, scope })
  }
}

/**
 * Makes backend services, and checks the options.
 *
 * @throws `invalid_option`, `insecure_url` naming the option and what to write instead
 */
export function createBackendServices(options: BackendServicesOptions): BackendServices {
  return new BackendServices(options)
}
