import type { KeySet, KeyStatus } from '@fhir-auth/core'

/** A key of a set, and when its state changes or has changed. */
export interface DatedKey {
  readonly kid: string
  readonly alg: string
  readonly state: KeyStatus['state']
  /** `next`: signs from; `active`: signs until; `retired`: since. In milliseconds since the epoch; undefined when nothing says. */
  readonly at: number | undefined
  readonly published: boolean
}

/** @param now - the present, in milliseconds since the epoch */
export function datedKeys(keys: KeySet, now: number): DatedKey[] {
  const states = keys.states(now)
  const published = new Set(keys.publicJwks(now).keys.map(({ kid }) => kid))
  return states.map((key) => {
    const { kid, alg, state } = key
    return { kid, alg, state, at: momentOf(key, states, now), published: published.has(kid) }
  })
}

/** A key ends with its own time, or where a later one of its algorithm begins. */
function momentOf(key: KeyStatus, all: readonly KeyStatus[], now: number): number | undefined {
  const start = key.signFrom ?? Number.NEGATIVE_INFINITY
  if (key.state === 'next') return start > now ? start : undefined
  const starts = all.filter(({ alg }) => alg === key.alg).map(({ signFrom }) => signFrom)
  const ends = [key.signUntil, ...starts.filter((from) => from !== undefined && from > start)]
    .filter((end) => end !== undefined)
    .filter((end) => (key.state === 'active' ? end > now : end <= now))
  return ends.length === 0 ? undefined : Math.min(...ends)
}

/** The state in words, such as `next, signs from 2026-07-01T06:00:00Z`. */
export function stateText({ state, at, published }: DatedKey): string {
  const time = at === undefined ? undefined : timeText(at)
  if (state === 'next') return time === undefined ? 'next, behind the one that signs' : `next, signs from ${time}`
  if (state === 'active') return time === undefined ? 'active' : `active, signs until ${time}`
  const since = time === undefined ? 'retired' : `retired since ${time}`
  return published ? `${since}, still published` : `${since}, no longer published: delete it`
}

/** ISO 8601, to the second. */
export function timeText(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}
