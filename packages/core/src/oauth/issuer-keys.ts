import type { JSONWebKeySet } from 'jose'
import { FhirAuthError } from '../errors.ts'
import { maxAgeSeconds } from '../http/cache-headers.ts'
import { jsonObject } from '../http/json-body.ts'
import { shownUrl } from '../http/secure-url.ts'
import { type HttpOptions, sendBounded } from '../http/send-bounded.ts'

const DEFAULT_AGE_SECONDS = 600
const MAX_AGE_SECONDS = 24 * 3600
/** At most one refetch for unknown key ids in this time: a forged token must not make us hammer the server. */
const COOLDOWN_SECONDS = 30

interface Entry {
  jwks?: JSONWebKeySet
  freshUntil: number
  coolUntil: number
  inFlight?: Promise<JSONWebKeySet>
}

/** The servers' public keys by `jwks_uri`, for id_tokens. */
export class IssuerKeys {
  readonly #entries = new Map<string, Entry>()
  readonly #http: HttpOptions
  readonly #now: () => number

  constructor(http: HttpOptions, now: () => number) {
    this.#http = http
    this.#now = now
  }

  /**
   * @param kid - the key wanted; when the cached set lacks it, the set is fetched again, with a cooldown
   * @throws what a request can throw, `invalid_response` for what is no JWK Set
   */
  async get(jwksUri: string, kid: string | undefined): Promise<JSONWebKeySet> {
    let entry = this.#entries.get(jwksUri)
    if (!entry) {
      entry = { freshUntil: 0, coolUntil: 0 }
      this.#entries.set(jwksUri, entry)
    }
    const now = this.#now()
    if (entry.jwks && entry.freshUntil > now) {
      const known = kid === undefined || entry.jwks.keys.some((key) => key.kid === kid)
      if (known || entry.coolUntil > now) return entry.jwks
    }
    entry.inFlight ??= this.#fetch(jwksUri, entry)
    return entry.inFlight
  }

  async #fetch(jwksUri: string, entry: Entry): Promise<JSONWebKeySet> {
    try {
      entry.coolUntil = this.#now() + COOLDOWN_SECONDS * 1000
      const answer = await sendBounded(
        { method: 'GET', url: jwksUri, headers: { accept: 'application/json' } },
        this.#http,
      )
      const { keys } = jsonObject(answer)
      if (answer.status !== 200 || !Array.isArray(keys)) {
        throw new FhirAuthError(
          'invalid_response',
          `${shownUrl(jwksUri)} answered ${answer.status} without a JWK Set, so no id_token can be verified.`,
        )
      }
      const jwks: JSONWebKeySet = { keys: keys.filter((key) => typeof key === 'object' && key !== null) }
      const age = Math.min(maxAgeSeconds(answer.headers) ?? DEFAULT_AGE_SECONDS, MAX_AGE_SECONDS)
      entry.jwks = jwks
      entry.freshUntil = this.#now() + age * 1000
      return jwks
    } finally {
      delete entry.inFlight
    }
  }
}
