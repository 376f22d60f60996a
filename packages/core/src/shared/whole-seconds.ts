/**
 * Reads a number of seconds, or a time in seconds since the epoch, that another system sent. The result is a whole number,
 * small enough to stay exact in milliseconds. Undefined if the value is not a finite number.
 */
export function wholeSeconds(value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  const seconds = Math.floor(value)
  return Math.abs(seconds) <= MAX_SECONDS ? seconds : Math.sign(seconds) * MAX_SECONDS
}

/** The latest time that a `Date` can hold (ECMA-262 "Time Values and Time Range"). */
const MAX_SECONDS = 8.64e12
