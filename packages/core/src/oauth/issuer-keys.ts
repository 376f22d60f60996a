import type { JSONWebKeySet } from 'jose'
import { asFhirAuthError, FhirAuthError } from '../errors.ts'
import { jsonObject } from '../http/json-body.ts'
import { shownUrl } from '../http/secure-url.ts'
import { type HttpOptions, onceMoreAfterReset, sendBounded } from '../http/send-bounded.ts'
import { maxAgeSeconds } from '../http/time-headers.ts'
import { RecentlyUsed } from '../shared/recently-used.ts'
import { SingleFlight } from '../shared/single-flight.ts'

const DEFAULT_AGE_SECONDS = 600
const MAX_AGE_SECONDS = 24 * 3600
/** The least time between two fetches, so that forged tokens cannot make the app flood the server with requests. */
const COOLDOWN_SECONDS = 30
/** The same after a failed fetch. */
const FAILURE_SECONDS = 5
/** How many servers are remembered at least. */
const REMEMBERED = 1000

interface Entry {
  readonly jwks?: JSONWebKeySet | undefined
  readonly failure?: FhirAuthError | undefined
  readonly freshUntil: number
  readonly coolUntil: number
}

/** A cache of the servers' public keys, by `jwks_uri`, for id_tokens. */
export class IssuerKeys {
  readonly #entries = new RecentlyUsed<Entry>(REMEMBERED)
  readonly #flights = new SingleFlight<JSONWebKeySet>()
  readonly #http: HttpOptions
  readonly #now: () => number

  constructor(http: HttpOptions, now: () => number) {
    this.#http = http
    this.#now = now
  }

  /**
   * @param kid - the wanted key; if the cached set lacks it, the set is fetched again, after the cooldown
   * @throws `invalid_response` if the response is not a JWK Set, and the errors of a request
   */
  async get(jwksUri: string, kid: string | undefined): Promise<JSONWebKeySet> {
    const entry = this.#entries.get(jwksUri)
    const now = this.#now()
    if (entry?.jwks) {
      const isKnown = kid === undefined || entry.jwks.keys.some((key) => key.kid === kid)
      if ((isKnown && entry.freshUntil > now) || entry.coolUntil > now) return entry.jwks
    } else if (entry?.failure && entry.coolUntil > now) throw entry.failure
    return this.#flights.run(jwksUri, () => this.#fetch(jwksUri))
  }

  /**
   * A newer set than this one, when none of its keys has signed an id_token: after a rotation, a new key may have no `kid`, or
   * that of the key before.
   *
   * @returns undefined within the cooldown
   * @throws as `get`
   */
  async newerThan(jwks: JSONWebKeySet, jwksUri: string): Promise<JSONWebKeySet | undefined> {
    const entry = this.#entries.get(jwksUri)
    if (entry?.jwks && entry.jwks !== jwks) return entry.jwks
    if (entry && entry.coolUntil > this.#now()) return undefined
    return this.#flights.run(jwksUri, () => this.#fetch(jwksUri))
  }

  async #fetch(jwksUri: string): Promise<JSONWebKeySet> {
    try {
      const request = { method: 'GET', url: jwksUri, headers: { accept: 'application/json' }, purpose: 'jwks' } as const
      const answer = await onceMoreAfterReset(() => sendBounded(request, this.#http))
      const { keys } = jsonObject(answer)
      if (answer.status !== 200 || !Array.isArray(keys)) {
        throw new FhirAuthError(
          'invalid_response',
          `${shownUrl(jwksUri)} answered ${answer.status} without a JWK Set, so no id_token can be verified.`,
        )
      }
      const jwks: JSONWebKeySet = { keys: keys.filter((key) => typeof key === 'object' && key !== null) }
      const age = Math.min(maxAgeSeconds(answer.headers) ?? DEFAULT_AGE_SECONDS, MAX_AGE_SECONDS)
      const now = this.#now()
      this.#entries.set(jwksUri, { jwks, freshUntil: now + age * 1000, coolUntil: now + COOLDOWN_SECONDS * 1000 })
      return jwks
    } catch (error) {
      const failure = asFhirAuthError(error, 'network_error', `${shownUrl(jwksUri)} could not be read.`)
      const coolUntil = this.#now() + FAILURE_SECONDS * 1000
      this.#entries.set(jwksUri, { freshUntil: 0, ...this.#entries.get(jwksUri), failure, coolUntil })
      throw failure
    }
  }
}
