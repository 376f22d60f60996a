/**
 * A number of seconds, or a moment in seconds since the epoch, that somebody else wrote: a whole number that arithmetic in
 * milliseconds keeps exact. Undefined for what is no such number.
 */
export function wholeSeconds(value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  const seconds = Math.floor(value)
  return Math.abs(seconds) <= MAX_SECONDS ? seconds : Math.sign(seconds) * MAX_SECONDS
}

/** The last moment that a `Date` can hold (ECMA-262 "Time Values and Time Range"). */
const MAX_SECONDS = 8.64e12
