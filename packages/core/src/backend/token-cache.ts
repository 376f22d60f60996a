import { asFhirAuthError, type FhirAuthError, retryIn } from '../errors.ts'
import { MAX_WAIT_SECONDS } from '../http/time-headers.ts'
import { type Lifetime, renewalDueAt, usableUntil } from '../oauth/token-lifetime.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { RecentlyUsed } from '../shared/recently-used.ts'
import { SingleFlight } from '../shared/single-flight.ts'

/** A new token and its lifetime. */
export interface NewToken<T> extends Lifetime {
  readonly token: T
}

/**
 * Gets a new token. Called again for each try.
 *
 * @param outworn - the access token to replace, if there is one: due, expired or refused
 */
export type TokenRequester<T> = (outworn: string | undefined) => Promise<NewToken<T>>

interface Clock {
  readonly now: () => number
  /** From 0 to below 1, for the jitter. */
  readonly random: () => number
}

/** The pause after a failed request, unless the server asks for a longer one. */
const PAUSE_SECONDS = 5
/**
 * A new token is not replaced for this long, even if the FHIR server refuses it too. Such a server refuses every token, and
 * each call would cost a token request.
 */
const TRUST_SECONDS = 5
/** Each process renews earlier by a random time, so that processes that started together do not renew together. */
const JITTER_SECONDS = 30
const JITTER_SHARE = 0.05

/** How many tokens are kept at least. An app may have many tenants, and several scopes for each. */
const SLOTS = 10_000

/** Tokens by server, client and scope. */
export class TokenCache<T extends { readonly accessToken: string }> {
  readonly #slots = new RecentlyUsed<TokenSlot<T>>(SLOTS)
  readonly #clock: Clock

  constructor(now: () => number, random: () => number = Math.random) {
    this.#clock = { now, random }
  }

  /** The slot for a key; always the same one for the same key. */
  slot(key: string): TokenSlot<T> {
    let slot = this.#slots.get(key)
    if (slot === undefined) {
      slot = new TokenSlot(this.#clock)
      this.#slots.set(key, slot)
    }
    return slot
  }
}

/**
 * One token and its successors. All callers share one request. The token is renewed early and in the background, and is
 * used while it is valid, even if its renewal fails. All times are in milliseconds since the epoch.
 */
export class TokenSlot<T extends { readonly accessToken: string }> {
  readonly #clock: Clock
  #token: T | undefined
  #usableUntil = 0
  /** When to renew, with jitter. */
  #renewAt = 0
  readonly #flight = new SingleFlight<T>()
  #failure: FhirAuthError | undefined
  /** No new try before this time. */
  #pausedUntil = 0
  /** A token that the FHIR server refused and that is not replaced yet. */
  #refused: string | undefined
  /** Until this time, a token that has replaced a refused one is not replaced again. */
  #trustedUntil = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The token, if it is valid and not due for renewal. Nearly every call ends here, so it allocates nothing. */
  ready(): T | undefined {
    return this.#token !== undefined && this.#clock.now() < this.#renewAt ? this.#token : undefined
  }

  /**
   * The token, or a promise of the next one, which all callers share.
   *
   * @param waitUntil - gets a renewal that runs in the background
   * @throws what `request` throws, if there is no valid token
   */
  get(request: TokenRequester<T>, waitUntil?: ((work: Promise<unknown>) => void) | undefined): MaybePromise<T> {
    if (this.#token === undefined) return this.#renew(request)
    const now = this.#clock.now()
    if (now >= this.#usableUntil) return this.#renew(request)
    if (now >= this.#renewAt) {
      const renewal = this.#renew(request).catch(() => {})
      waitUntil?.(renewal)
    }
    return this.#token
  }

  /**
   * Drops a token that the FHIR server refused, unless another caller has replaced it already.
   *
   * @returns false if this token has itself just replaced a refused one: then there will be no better one
   */
  invalidate(accessToken: string): boolean {
    if (this.#token?.accessToken !== accessToken) return true
    if (this.#clock.now() < this.#trustedUntil) return false
    this.#token = undefined
    this.#refused = accessToken
    return true
  }

  #renew(request: TokenRequester<T>): Promise<T> {
    const pauseSeconds = (this.#pausedUntil - this.#clock.now()) / 1000
    if (this.#failure && pauseSeconds > 0) return Promise.reject(retryIn(this.#failure, pauseSeconds))
    return this.#flight.run('token', () => this.#request(request))
  }

  async #request(request: TokenRequester<T>): Promise<T> {
    try {
      return this.#keep(await request(this.#token?.accessToken ?? this.#refused))
    } catch (error) {
      const failure = asTokenFailure(error)
      const wait = Math.min(Math.max(failure.retryAfterSeconds ?? 0, PAUSE_SECONDS), MAX_WAIT_SECONDS)
      this.#failure = failure
      this.#pausedUntil = this.#clock.now() + wait * 1000
      throw failure
    }
  }

  #keep({ token, ...lifetime }: NewToken<T>): T {
    const { now, random } = this.#clock
    const jitter = random() * Math.min(JITTER_SECONDS, lifetime.lifetimeSeconds * JITTER_SHARE) * 1000
    this.#token = token
    this.#usableUntil = usableUntil(lifetime)
    this.#renewAt = renewalDueAt(lifetime) - jitter
    this.#trustedUntil = this.#refused === undefined ? 0 : now() + TRUST_SECONDS * 1000
    this.#refused = undefined
    this.#failure = undefined
    return token
  }
}

/** The error for a request that gets no token. */
export function asTokenFailure(cause: unknown): FhirAuthError {
  return asFhirAuthError(cause, 'token_unavailable', 'The app could not get a token.')
}
