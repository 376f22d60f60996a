import type { KeySet, KeyStatus } from '@fhir-auth/core'

/** What is shown of a key: its state, and when that changes or has changed. */
export type DatedKey = Pick<KeyStatus, 'kid' | 'alg' | 'state' | 'at' | 'published'>

/** @param now - the present, in milliseconds since the epoch */
export function datedKeys(keys: KeySet, now: number): DatedKey[] {
  return keys.states(now).map(({ kid, alg, state, at, published }) => ({ kid, alg, state, at, published }))
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
