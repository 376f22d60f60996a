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

interface Entry<T> {
  token?: T
  inFlight?: Promise<T>
  failure?: FhirAuthError
  /** No new try before this moment, in milliseconds since the epoch. */
  pausedUntil: number
}

/** After a failed request, the next waits this long, or longer where the server says so, within a bound. */
const PAUSE_SECONDS = 5
const MAX_PAUSE_SECONDS = 3600

/**
 * Tokens by what they are for: one request in flight per key however many callers wait, renewed early and in the
 * background, and a token that is still valid is served while its renewal fails.
 */
export class TokenCache<T extends CachedToken> {
  readonly #entries = new Map<string, Entry<T>>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /**
   * @param request - asks the server for a new token; called again for each try
   * @throws what `request` throws, when there is no valid token to fall back on
   */
  get(key: string, request: () => Promise<T>): MaybePromise<T> {
    let entry = this.#entries.get(key)
    if (!entry) {
      entry = { pausedUntil: 0 }
      this.#entries.set(key, entry)
    }
    const now = this.#now()
    const { token } = entry
    if (token === undefined || !isUsable(token, now)) return this.#renew(entry, request)
    if (isDueForRenewal(token, now)) this.#renew(entry, request).catch(() => {})
    return token
  }

  /** Drops a token that a server refused, if it is still the one held: another caller may have replaced it. */
  invalidate(key: string, accessToken: string): void {
    const entry = this.#entries.get(key)
    if (entry?.token?.accessToken === accessToken) delete entry.token
  }

  #renew(entry: Entry<T>, request: () => Promise<T>): Promise<T> {
    if (entry.inFlight) return entry.inFlight
    if (entry.failure && entry.pausedUntil > this.#now()) return Promise.reject(entry.failure)
    entry.inFlight = this.#request(entry, request)
    return entry.inFlight
  }

  async #request(entry: Entry<T>, request: () => Promise<T>): Promise<T> {
    try {
      entry.token = await request()
      delete entry.failure
      return entry.token
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
