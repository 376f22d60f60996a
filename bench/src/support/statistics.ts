/** The middle of several measurements, and the quartiles around it. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
  /** 95 % confidence interval of the median, or the widest that so few rounds allow. */
  readonly sure: readonly [low: number, high: number]
  readonly count: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
    sure: medianInterval(sorted),
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

const MOST_NOISE = 0.1

export type Verdict = 'met' | 'missed' | 'undecided'

/** Met or missed only where both ends of the median's interval agree. */
export function verdictOf({ sure }: Spread, goal: { atLeast: number } | { atMost: number }): Verdict {
  const [low, high] = sure
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

/** Whether a ratio is no more than the noise: not to be said where the noise is so great that much could hide in it. */
export function verdictWithin(value: Spread, noise: number): Verdict {
  if (!isHidden(value, noise)) return 'missed'
  return noise <= MOST_NOISE ? 'met' : 'undecided'
}

/** By the sign test: how many measurements are below the true median is binomial with 1/2. */
function medianInterval(sorted: readonly number[]): readonly [number, number] {
  let rank = 0
  let heads = 0.5 ** sorted.length // the chance of as many heads as `rank`
  let atMost = heads
  while (atMost <= 0.025) {
    rank++
    heads *= (sorted.length - rank + 1) / rank
    atMost += heads
  }
  const outermost = Math.max(0, rank - 1)
  return [sorted[outermost] ?? Number.NaN, sorted[sorted.length - 1 - outermost] ?? Number.NaN]
}
