export interface SeededGenerator {
  /** A number in [low, high], rounded to `digits` after the point (default 0). */
  between(low: number, high: number, digits?: number): number
}

/** Numbers that look random and are the same on every run for the same seed (a xorshift of 32 bits). */
export function seededGenerator(seed: string): SeededGenerator {
  // FNV-1a of the seed; the shift register must not start at zero.
  let state = 0x811c9dc5
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193)
  state ||= 1
  return {
    between(low, high, digits = 0) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return round(low + ((state >>> 0) / 0xffffffff) * (high - low), digits)
    },
  }
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
