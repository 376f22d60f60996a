import { asFhirAuthError, type FhirAuthError } from '../errors.ts'
import type { MaybePromise } from '../options.ts'
import { isDueForRenewal, isUsable } from '../token-lifetime.ts'

/** A token as a cache sees it. */
export interface CachedToken {
  readonly accessToken: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  readonly lifetimeSeconds: number
}

/**
 * Gets a new token; called again for each try.
 *
 * @param outworn - the token that it is to replace, if there is one: due, expired or refused
 */
export type TokenRequester<T> = (outworn: string | undefined) => Promise<T>

interface Entry<T> {
  token?: T
  /** How much earlier than it must be this token is renewed, in milliseconds. */
  jitter: number
  inFlight?: Promise<T>
  failure?: FhirAuthError
  /** No new try before this moment, in milliseconds since the epoch. */
  pausedUntil: number
  /** A token that the FHIR server refused, for which there is no other yet. */
  refused?: string
  /** The held token has replaced a refused one; until this moment it is not replaced for that again. */
  trustedUntil: number
}

/** After a failed request, the next waits this long, or longer where the server says so, within a bound. */
const PAUSE_SECONDS = 5
const MAX_PAUSE_SECONDS = 3600
/** A server that refuses a token and the one after it refuses any: each call would cost a token request. */
const TRUST_SECONDS = 5
/** Processes that began together must not renew together: each does it earlier by a time of its own. */
const JITTER_SECONDS = 30
const JITTER_SHARE = 0.05

/**
 * Tokens by what they are for: one request in flight per key however many callers wait, renewed early and in the
 * background, and a token that is still valid is served while its renewal fails.
 */
export class TokenCache<T extends CachedToken> {
  readonly #entries = new Map<string, Entry<T>>()
  readonly #now: () => number
  readonly #random: () => number

  /** @param random - from 0 to below 1, for the jitter */
  constructor(now: () => number, random: () => number = Math.random) {
    this.#now = now
    this.#random = random
  }

  /** The token, where it is good and nothing is to be done about it: the way of nearly every call, which makes nothing. */
  ready(key: string): T | undefined {
    const entry = this.#entries.get(key)
    if (entry?.token === undefined || isDueForRenewal(entry.token, this.#now() + entry.jitter)) return undefined
    return entry.token
  }

  /**
   * @param waitUntil - is handed the renewal that goes on in the background
   * @throws what `request` throws, when there is no valid token to fall back on
   */
  get(
    key: string,
    request: TokenRequester<T>,
    waitUntil?: ((work: Promise<unknown>) => void) | undefined,
  ): MaybePromise<T> {
    let entry = this.#entries.get(key)
    if (!entry) {
      entry = { pausedUntil: 0, trustedUntil: 0, jitter: 0 }
      this.#entries.set(key, entry)
    }
    const now = this.#now()
    const { token } = entry
    if (token === undefined || !isUsable(token, now)) return this.#renew(entry, request)
    if (isDueForRenewal(token, now + entry.jitter)) {
      const renewal = this.#renew(entry, request).catch(() => {})
      waitUntil?.(renewal)
    }
    return token
  }

  /**
   * Drops a token that a server refused, if it is still the one held: another caller may have replaced it.
   *
   * @returns whether a new one may be had; not, when this one has just replaced another that was refused
   */
  invalidate(key: string, accessToken: string): boolean {
    const entry = this.#entries.get(key)
    if (entry?.token?.accessToken !== accessToken) return true
    if (this.#now() < entry.trustedUntil) return false
    delete entry.token
    entry.refused = accessToken
    return true
  }

  #renew(entry: Entry<T>, request: TokenRequester<T>): Promise<T> {
    if (entry.inFlight) return entry.inFlight
    if (entry.failure && entry.pausedUntil > this.#now()) return Promise.reject(entry.failure)
    entry.inFlight = this.#request(entry, request)
    return entry.inFlight
  }

  async #request(entry: Entry<T>, request: TokenRequester<T>): Promise<T> {
    try {
      const token = await request(entry.token?.accessToken ?? entry.refused)
      entry.token = token
      entry.jitter = this.#random() * Math.min(JITTER_SECONDS, token.lifetimeSeconds * JITTER_SHARE) * 1000
      entry.trustedUntil = entry.refused === undefined ? 0 : this.#now() + TRUST_SECONDS * 1000
      delete entry.refused
      delete entry.failure
      return token
    } catch (error) {
      entry.failure = asFhirAuthError(error, 'token_unavailable', 'The backend token could not be had.')
      const wait = Math.max(entry.failure.retryAfterSeconds ?? 0, PAUSE_SECONDS)
      entry.pausedUntil = this.#now() + Math.min(wait, MAX_PAUSE_SECONDS) * 1000
      throw entry.failure
    } finally {
      delete entry.inFlight
    }
  }
}
