import type { FhirAuthError } from '../../errors.ts'
import type { MaybePromise } from '../../shared/maybe-promise.ts'
import { shownText } from '../../shared/shown-text.ts'
import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import type { KeyReloader } from './key-reloader.ts'
import { DEFAULT_JWKS_MAX_AGE_SECONDS, RETIRED_KEY_SECONDS } from './key-rules.ts'
import { type KeyMoment, type KeyTimes, startOf, stateOf } from './key-times.ts'
import type { PublicJwk } from './public-jwk.ts'
import type { LeftAsideKey } from './reading/sort-candidates.ts'
import { refuseKey } from './refuse-key.ts'
import type { SigningKey } from './signing-key.ts'

/** The state of a key at one time. */
export interface KeyStatus extends KeyTimes, KeyMoment {
  readonly kid: string
  readonly alg: SigningAlgorithm
  /** Whether it is in the JWKS. */
  readonly published: boolean
}

/** The parts of a key set that come from its source. */
export interface KeySetOrigin {
  readonly leftAside?: readonly LeftAsideKey[] | undefined
  readonly reloader?: KeyReloader | undefined
}

/** The app's signing keys. Only their public parts can be read, with `publicJwks()`. */
export class KeySet {
  #keys: readonly SigningKey[]
  #leftAside: readonly LeftAsideKey[]
  readonly #reloader: KeyReloader | undefined
  /** By `kid`, the algorithms that an RSA key without `alg` has signed with. */
  readonly #used = new Map<string, Set<SigningAlgorithm>>()
  readonly #watchers = new Set<(key: LeftAsideKey) => void>()

  /** @throws `invalid_key` if there is no key, or if two have the same `kid` */
  constructor(keys: readonly SigningKey[], { leftAside = [], reloader }: KeySetOrigin = {}) {
    this.#keys = checkKeys(keys)
    this.#leftAside = leftAside
    this.#reloader = reloader
  }

  /** Keys of the source that cannot sign, such as symmetric ones or those for encryption. They are not used or published. */
  get leftAside(): readonly LeftAsideKey[] {
    return this.#leftAside
  }

  /** Calls `watcher` for each key that is not used, now and whenever a new one appears in the source. */
  watchLeftAside(watcher: (key: LeftAsideKey) => void): void {
    this.#watchers.add(watcher)
    for (const key of this.#leftAside) watcher(key)
  }

  /**
   * The key to sign with: of the active keys that fit, the one with the latest `signFrom`; without times, the first. If no key
   * fits, an RSA key without `alg` signs with an algorithm that the server accepts.
   *
   * @param accepted - algorithms that the server accepts (`token_endpoint_auth_signing_alg_values_supported`)
   * @param now - the current time in milliseconds since the epoch
   * @throws `invalid_key` if no key fits
   */
  signingKey(accepted?: readonly string[], now: number = Date.now()): SigningKey {
    if (!accepted?.length) return this.#choose(this.#keys, this.#keys, now)
    const fitting = this.#keys.filter(({ alg }) => accepted.includes(alg))
    if (fitting.length > 0) return this.#choose(fitting, this.#keys, now)
    const flexible = this.#keys.flatMap((key) => {
      const alg = key.algorithms.find((candidate) => accepted.includes(candidate))
      return alg === undefined ? [] : [this.#signingWith(key, alg)]
    })
    if (flexible.length > 0) return this.#choose(flexible, flexible, now)
    const own = this.#keys.map(({ alg }) => alg).join(', ')
    return refuseKey(
      `The server accepts assertions signed with ${shownText(accepted.join(', '))}, but the key set has ${own}. Add a key of an accepted algorithm and register it.`,
    )
  }

  /** @param rivals - the keys that can replace one of the fitting keys */
  #choose(fitting: readonly SigningKey[], rivals: readonly SigningKey[], now: number): SigningKey {
    const active = fitting.filter((key) => stateOf(key, rivals, now).state === 'active')
    const [first, ...others] = active
    if (first !== undefined) {
      const best = others.reduce((one, other) => (startOf(other) > startOf(one) ? other : one), first)
      return best.algorithms.length > 1 ? this.#signingWith(best, best.alg) : best
    }
    const times = fitting.map(({ kid, signFrom, signUntil }) => `"${kid}"${shownTimes(signFrom, signUntil, now)}`)
    return refuseKey(`No key may sign now: ${times.join(', ')}. Add a key that may sign now.`)
  }

  /** The key with only one of its algorithms. Each use is noted, so that the JWKS does not name another algorithm. */
  #signingWith(key: SigningKey, alg: SigningAlgorithm): SigningKey {
    const { kid, publicJwk } = key
    return Object.freeze({
      ...key,
      alg,
      algorithms: Object.freeze([alg]),
      publicJwk: Object.freeze({ ...publicJwk, alg }),
      signJwt: (header: Record<string, unknown>, claims: Record<string, unknown>) => {
        const used = this.#used.get(kid) ?? new Set()
        this.#used.set(kid, used.add(alg))
        return key.signJwt({ ...header, alg }, claims)
      },
    })
  }

  /**
   * The JWK Set to host at the registered URL (RFC 7517 §5): keys that are next or active, and retired ones as long as an
   * assertion that they signed may still be valid.
   *
   * @param now - the current time in milliseconds since the epoch
   * @param maxAgeSeconds - how long servers may cache the set, by its `Cache-Control`. Default 600.
   */
  publicJwks(now: number = Date.now(), maxAgeSeconds: number = DEFAULT_JWKS_MAX_AGE_SECONDS): { keys: PublicJwk[] } {
    const published = this.#keys.filter((key) => this.#isPublished(key, now, maxAgeSeconds))
    return { keys: published.map((key) => this.#publicJwkOf(key)) }
  }

  /** Names the algorithm that was used, because servers may accept a key only for its `alg` (RFC 7517 §4.4). */
  #publicJwkOf({ kid, publicJwk }: SigningKey): PublicJwk {
    const [used, ...others] = this.#used.get(kid) ?? []
    if (used === undefined) return { ...publicJwk }
    const { alg: _, ...unnamed } = publicJwk
    return others.length > 0 ? unnamed : { ...unnamed, alg: used }
  }

  /** A retired key that still signs with another algorithm, for another server, is published too. */
  #isPublished(key: SigningKey, now: number, maxAgeSeconds: number): boolean {
    if (isPublished(stateOf(key, this.#keys, now), now, maxAgeSeconds)) return true
    return [...(this.#used.get(key.kid) ?? [])].some((alg) => {
      const rivals = this.#keys.filter(({ algorithms }) => algorithms.includes(alg))
      return rivals.includes(key) && isPublished(stateOf(key, rivals, now), now, maxAgeSeconds)
    })
  }

  /**
   * Every key with its state, for a status page or an alarm.
   *
   * @param now - the current time in milliseconds since the epoch
   * @param maxAgeSeconds - as for {@link publicJwks}
   */
  states(now: number = Date.now(), maxAgeSeconds: number = DEFAULT_JWKS_MAX_AGE_SECONDS): KeyStatus[] {
    return this.#keys.map((key) => {
      const { kid, alg, signFrom, signUntil } = key
      const moment = stateOf(key, this.#keys, now)
      const published = this.#isPublished(key, now, maxAgeSeconds)
      return { kid, alg, signFrom, signUntil, ...moment, published }
    })
  }

  /**
   * Reads the source again if it is a function and the last reading is old. It is called before signing and publishing. It
   * never fails: if the source cannot be read, the set stays as it is, see {@link failure}.
   *
   * @param now - the current time in milliseconds since the epoch
   */
  refresh(now: number = Date.now()): MaybePromise<void> {
    return this.#reloader?.refresh(now, ({ keys, leftAside }) => {
      this.#keys = checkKeys(keys)
      const known = new Set(this.#leftAside.map(nameOfLeftAside))
      this.#leftAside = leftAside
      const added = leftAside.filter((key) => !known.has(nameOfLeftAside(key)))
      for (const watcher of this.#watchers) for (const key of added) watcher(key)
    })
  }

  /** Why the last reading of the source failed; undefined if it succeeded. */
  get failure(): FhirAuthError | undefined {
    return this.#reloader?.failure
  }
}

/** A retired key stays published until its last assertion has expired and every server has a set with its successor. */
function isPublished({ state, at }: KeyMoment, now: number, maxAgeSeconds: number): boolean {
  if (state !== 'retired' || at === undefined) return true
  return now < at + (maxAgeSeconds + RETIRED_KEY_SECONDS) * 1000
}

function nameOfLeftAside({ kid, reason }: LeftAsideKey): string {
  return `${kid} ${reason}`
}

function checkKeys(keys: readonly SigningKey[]): readonly SigningKey[] {
  if (keys.length === 0) refuseKey('The key set is empty. Add at least one private key.')
  const kids = new Set<string>()
  for (const { kid } of keys) {
    if (kids.has(kid)) refuseKey(`Two keys have the kid "${kid}". Give each key a different kid.`)
    kids.add(kid)
  }
  return Object.freeze([...keys])
}

function shownTimes(signFrom: number | undefined, signUntil: number | undefined, now: number): string {
  if (signFrom !== undefined && now < signFrom) return ` signs from ${new Date(signFrom).toISOString()}`
  return signUntil === undefined ? '' : ` signed until ${new Date(signUntil).toISOString()}`
}
