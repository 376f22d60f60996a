import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import { refuseKey } from './refuse-key.ts'

/** When a key signs, in milliseconds since the epoch. Without these members it signs as long as it is in the set. */
export interface KeyTimes {
  /** Before this time, the key is `next`: it is published and does not sign. */
  readonly signFrom?: number | undefined
  /** After this time, the key is `retired`: it does not sign, and is published as long as its assertions may be valid. */
  readonly signUntil?: number | undefined
}

/** `next`: only published. `active`: signs. `retired`: no longer signs, and is published as long as its assertions may be valid. */
export type KeyState = 'next' | 'active' | 'retired'

interface TimedKey extends KeyTimes {
  readonly alg: SigningAlgorithm
}

const MEMBERS = ['signFrom', 'signUntil'] as const
/** The year 5138 in seconds since the epoch. A larger number was probably meant in milliseconds. */
const MAX_NUMERIC_DATE = 1e11
/** A date, or a date and a time with its zone. Without a zone, the meaning would depend on the machine. */
const ISO_DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/

/**
 * Reads the times of a key from its private JWK: ISO 8601, or seconds since the epoch.
 *
 * @param name - the name of the key in messages
 * @throws `invalid_key` for a wrong time, or a misspelt member, because the key would sign too early
 */
export function readKeyTimes(jwk: object, name: string): KeyTimes {
  for (const member of Object.keys(jwk)) {
    const meant = MEMBERS.find((known) => known !== member && letters(known) === letters(member))
    if (meant) refuseKey(`${name} has a member "${member}". Did you mean "${meant}"?`)
  }
  const [signFrom, signUntil] = MEMBERS.map((member) =>
    readTime((jwk as Record<string, unknown>)[member], member, name),
  )
  if (signFrom !== undefined && signUntil !== undefined && signUntil <= signFrom) {
    refuseKey(`${name} has a signUntil that is not after its signFrom, so it would never sign.`)
  }
  return { ...(signFrom !== undefined && { signFrom }), ...(signUntil !== undefined && { signUntil }) }
}

function readTime(value: unknown, member: string, name: string): number | undefined {
  if (value === undefined) return undefined
  const time = typeof value === 'string' && ISO_DATE.test(value) ? Date.parse(value) : Number.NaN
  if (!Number.isNaN(time)) return time
  if (typeof value === 'number' && value >= 0 && value < MAX_NUMERIC_DATE) return value * 1000
  return refuseKey(
    `${name} has a ${member} that is not a time. Write "2026-07-01T00:00:00Z", with its zone, or seconds since the epoch.`,
  )
}

/** The state of a key at one time, and when it changes. */
export interface KeyMoment {
  readonly state: KeyState
  /** `next`: signs from then; `active`: signs until then; `retired`: since then. Undefined if there is no such time. */
  readonly at: number | undefined
}

/** The state of one key in its set. */
export function stateOf(key: TimedKey, keys: readonly TimedKey[], now: number): KeyMoment {
  const start = startOf(key)
  if (now < start) return { state: 'next', at: start }
  const rivals = keys.filter((other) => other !== key && other.alg === key.alg)
  // A key with a later start replaces this one. With the same start, the key that is listed first signs.
  const successors = rivals.filter((other) => startOf(other) > start)
  const turns = [endOf(key), ...successors.map(startOf)]
  const begun = successors.filter((other) => now >= startOf(other))
  if (now >= endOf(key) || begun.some((other) => now < endOf(other))) {
    return { state: 'retired', at: earliest(turns.filter((turn) => turn <= now)) }
  }
  const isBehind = rivals.some(
    (other) => startOf(other) === start && now < endOf(other) && keys.indexOf(other) < keys.indexOf(key),
  )
  return isBehind
    ? { state: 'next', at: undefined }
    : { state: 'active', at: earliest(turns.filter((turn) => turn > now)) }
}

function earliest(times: readonly number[]): number | undefined {
  const time = Math.min(...times)
  return Number.isFinite(time) ? time : undefined
}

/** -Infinity for a key without `signFrom`. */
export function startOf({ signFrom }: KeyTimes): number {
  return signFrom ?? Number.NEGATIVE_INFINITY
}

function endOf({ signUntil }: KeyTimes): number {
  return signUntil ?? Number.POSITIVE_INFINITY
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z]/g, '')
}
