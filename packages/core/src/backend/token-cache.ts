import { asFhirAuthError, type FhirAuthError, retryIn } from '../errors.ts'
import { MAX_WAIT_SECONDS } from '../http/cache-headers.ts'
import { type Lifetime, renewalDueAt, usableUntil } from '../oauth/token-lifetime.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import { RecentlyUsed } from '../shared/recently-used.ts'
import { SingleFlight } from '../shared/single-flight.ts'

/** A token as a server gives it, and how long it is good. */
export interface NewToken<T> extends Lifetime {
  readonly token: T
}

/**
 * Gets a new token; called again for each try.
 *
 * @param outworn - the access token that it is to replace, if there is one: due, expired or refused
 */
export type TokenRequester<T> = (outworn: string | undefined) => Promise<NewToken<T>>

interface Clock {
  readonly now: () => number
  /** From 0 to below 1, for the jitter. */
  readonly random: () => number
}

/** After a failed request, the next waits this long, or longer where the server says so. */
const PAUSE_SECONDS = 5
/** A server that refuses a token and the one after it refuses any: each call would cost a token request. */
const TRUST_SECONDS = 5
/** Processes that began together must not renew together: each does it earlier by a time of its own. */
const JITTER_SECONDS = 30
const JITTER_SHARE = 0.05

/** Tokens kept, at least: an app may have many tenants, and scopes for each. */
const SLOTS = 10_000

/** Tokens by what they are for: server, client and scope. */
export class TokenCache<T extends { readonly accessToken: string }> {
  readonly #slots = new RecentlyUsed<TokenSlot<T>>(SLOTS)
  readonly #clock: Clock

  constructor(now: () => number, random: () => number = Math.random) {
    this.#clock = { now, random }
  }

  /** The place of one token; the same one for the same key. */
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
 * One token and its successors: one request in flight however many callers wait, renewed early and in the background,
 * and served while it is valid though its renewal fails. All moments are milliseconds since the epoch.
 */
export class TokenSlot<T extends { readonly accessToken: string }> {
  readonly #clock: Clock
  #token: T | undefined
  #usableUntil = 0
  /** When to renew: earlier than must be, by a jitter. */
  #renewAt = 0
  readonly #flight = new SingleFlight<T>()
  #failure: FhirAuthError | undefined
  /** No new try before this moment. */
  #pausedUntil = 0
  /** A token that the FHIR server refused, for which there is no other yet. */
  #refused: string | undefined
  /** The held token has replaced a refused one; until this moment it is not replaced for that again. */
  #trustedUntil = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The token, where it is good and nothing is to be done about it: the way of nearly every call, which makes nothing. */
  ready(): T | undefined {
    return this.#token !== undefined && this.#clock.now() < this.#renewAt ? this.#token : undefined
  }

  /**
   * The token at once, or the promise of the next one, which is the same for all who wait.
   *
   * @param waitUntil - is handed the renewal that goes on in the background
   * @throws what `request` throws, when there is no valid token to fall back on
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
   * Drops a token that a server refused, if it is still the one held: another caller may have replaced it.
   *
   * @returns whether a new one may be had; not, when this one has just replaced another that was refused
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

/** Whatever went wrong, as the error that a request without a token gets. */
export function asTokenFailure(cause: unknown): FhirAuthError {
  return asFhirAuthError(cause, 'token_unavailable', 'The app got no token of its own.')
}
