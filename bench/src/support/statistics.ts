/** The middle of several measurements, and the quartiles around it. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
  readonly count: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    count: sorted.length,
  }
}

/** Round by round, since what disturbs one round disturbs both sides of it. */
export function ratioOf(values: readonly number[], reference: readonly number[]): Spread {
  return spreadOf(values.map((value, round) => value / (reference[round] ?? Number.NaN)))
}

export function differenceOf(values: readonly number[], reference: readonly number[]): Spread {
  return spreadOf(values.map((value, round) => value - (reference[round] ?? Number.NaN)))
}

/**
 * How far from 1 a ratio must be to mean anything: as far as two identical things were apart, by their quartiles.
 *
 * @param twins - the ratio of a thing to its twin
 */
export function noiseOf(twins: Spread): number {
  return Math.max(Math.abs(twins.low - 1), Math.abs(twins.high - 1), Math.abs(twins.median - 1))
}

/** Whether the spread hides the ratio: 1 lies between the quartiles, or no further away than identical things were. */
export function isHidden({ median, low, high }: Spread, noise: number): boolean {
  return (low <= 1 && high >= 1) || Math.abs(median - 1) <= noise
}

export type Verdict = 'met' | 'missed' | 'undecided'

/** Met or missed only where both quartiles agree. */
export function verdictOf({ low, high }: Spread, goal: { atLeast: number } | { atMost: number }): Verdict {
  const isMet = (value: number) => ('atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost)
  if (isMet(low) && isMet(high)) return 'met'
  return isMet(low) || isMet(high) ? 'undecided' : 'missed'
}

function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}
