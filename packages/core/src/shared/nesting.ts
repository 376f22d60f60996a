/** Far more than any document of a server has. What writes or freezes such a value calls itself once for each level. */
export const MOST_LEVELS = 64

/** Whether a JSON value has more levels than that. Itself it does not call itself, so no value is too deep for it. */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_LEVELS) return true
    level = level.flatMap((member) => (typeof member === 'object' && member !== null ? Object.values(member) : []))
  }
  return false
}
