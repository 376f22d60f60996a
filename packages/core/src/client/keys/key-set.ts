import type { FhirAuthError } from '../../errors.ts'
import type { MaybePromise } from '../../shared/maybe-promise.ts'
import { shownText } from '../../shared/shown-text.ts'
import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import type { KeyReloader } from './key-reloader.ts'
import { DEFAULT_JWKS_MAX_AGE_SECONDS, RETIRED_KEY_SECONDS } from './key-rules.ts'
import { type KeyMoment, type KeyTimes, startOf, stateOf } from './key-times.ts'
import type { PublicJwk } from './public-jwk.ts'
import { refuseKey } from './refuse-key.ts'
import type { SigningKey } from './signing-key.ts'

/** What a key of the set does at one moment. */
export interface KeyStatus extends KeyTimes, KeyMoment {
  readonly kid: string
  readonly alg: SigningAlgorithm
  /** Whether it stands in the JWKS. */
  readonly published: boolean
}

/** The app's signing keys: private parts stay inside, `publicJwks()` is what the world may see. */
export class KeySet {
  #keys: readonly SigningKey[]
  readonly #reloader: KeyReloader | undefined

  /** @throws `invalid_key` when there is no key, or two share a `kid` */
  constructor(keys: readonly SigningKey[], reloader?: KeyReloader) {
    this.#keys = checkKeys(keys)
    this.#reloader = reloader
  }

  /**
   * The key to sign with: of those that fit and whose time has come the one that began last; without times the first.
   *
   * @param accepted - algorithms the server accepts (`token_endpoint_auth_signing_alg_values_supported`)
   * @param now - the present, in milliseconds since the epoch
   * @throws `invalid_key` when none fits
   */
  signingKey(accepted?: readonly string[], now: number = Date.now()): SigningKey {
    const fitting = accepted?.length ? this.#keys.filter(({ alg }) => accepted.includes(alg)) : this.#keys
    const active = fitting.filter((key) => stateOf(key, this.#keys, now).state === 'active')
    const [first, ...others] = active
    if (first) return others.reduce((best, key) => (startOf(key) > startOf(best) ? key : best), first)
    const own = this.#keys.map(({ alg }) => alg).join(', ')
    if (fitting.length === 0) {
      return refuseKey(
        `The server accepts assertions signed with ${shownText(accepted?.join(', ') ?? '')}, but the key set has ${own}. Add a key of an accepted algorithm and register it.`,
      )
    }
    const times = fitting.map(({ kid, signFrom, signUntil }) => `"${kid}"${shownTimes(signFrom, signUntil, now)}`)
    return refuseKey(`No key may sign now: ${times.join(', ')}. Put a key into the set that signs now.`)
  }

  /**
   * The JWK Set to host at the registered URL (RFC 7517 §5): next keys, active ones, and retired ones for as long as an
   * assertion that they signed may be under way.
   *
   * @param now - the present, in milliseconds since the epoch
   * @param maxAgeSeconds - how long servers may keep the set, as `Cache-Control` tells them. Default 600.
   */
  publicJwks(now: number = Date.now(), maxAgeSeconds: number = DEFAULT_JWKS_MAX_AGE_SECONDS): { keys: PublicJwk[] } {
    const published = this.#keys.filter((key) => isPublished(stateOf(key, this.#keys, now), now, maxAgeSeconds))
    return { keys: published.map(({ publicJwk }) => ({ ...publicJwk })) }
  }

  /**
   * Every key with its state, for a status page or an alarm.
   *
   * @param now - the present, in milliseconds since the epoch
   * @param maxAgeSeconds - as for {@link publicJwks}
   */
  states(now: number = Date.now(), maxAgeSeconds: number = DEFAULT_JWKS_MAX_AGE_SECONDS): KeyStatus[] {
    return this.#keys.map((key) => {
      const { kid, alg, signFrom, signUntil } = key
      const moment = stateOf(key, this.#keys, now)
      return { kid, alg, signFrom, signUntil, ...moment, published: isPublished(moment, now, maxAgeSeconds) }
    })
  }

  /**
   * Reads the source again when that is due, if the set was loaded from a function. Whatever signs or publishes calls it
   * first. It never fails: the set stays as it is while its source cannot be read, see {@link failure}.
   *
   * @param now - the present, in milliseconds since the epoch
   */
  refresh(now: number = Date.now()): MaybePromise<void> {
    return this.#reloader?.refresh(now, (keys) => {
      this.#keys = checkKeys(keys)
    })
  }

  /** Why the last reading of the source failed; undefined when it did not. */
  get failure(): FhirAuthError | undefined {
    return this.#reloader?.failure
  }
}

/** A retired key stays until no assertion of it can be under way, and no server has a copy of the set without its successor. */
function isPublished({ state, at }: KeyMoment, now: number, maxAgeSeconds: number): boolean {
  if (state !== 'retired' || at === undefined) return true
  return now < at + (maxAgeSeconds + RETIRED_KEY_SECONDS) * 1000
}

function checkKeys(keys: readonly SigningKey[]): readonly SigningKey[] {
  if (keys.length === 0) refuseKey('The key set is empty. Add at least one private key.')
  const kids = new Set<string>()
  for (const { kid } of keys) {
    if (kids.has(kid)) refuseKey(`Two keys have the kid "${kid}". Give each key a kid of its own.`)
    kids.add(kid)
  }
  return Object.freeze([...keys])
}

function shownTimes(signFrom: number | undefined, signUntil: number | undefined, now: number): string {
  if (signFrom !== undefined && now < signFrom) return ` signs from ${new Date(signFrom).toISOString()}`
  return signUntil === undefined ? '' : ` signed until ${new Date(signUntil).toISOString()}`
}
