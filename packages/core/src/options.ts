import { FhirAuthError } from './errors.ts'

/** @throws `invalid_option` always: for a configuration fault that names the option and the remedy. */
export function refuseOption(message: string): never {
  throw new FhirAuthError('invalid_option', message)
}

/** @throws `invalid_option` for a misspelt or unknown option, naming the nearest known one. */
export function checkKnownOptions(options: unknown, known: readonly string[], owner: string): void {
  if (typeof options !== 'object' || options === null) refuseOption(`${owner} takes an options object.`)
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const lookalike = known.find((candidate) => isSimilar(candidate, name))
    const remedy = lookalike ? `Did you mean "${lookalike}"?` : `Known options: ${known.join(', ')}.`
    refuseOption(`${owner}: unknown option "${name}". ${remedy}`)
  }
}

/** @throws `invalid_option` when the text is missing or blank. */
export function requireText(value: unknown, option: string, remedy: string): string {
  if (typeof value !== 'string') {
    refuseOption(`${option} is ${value === undefined ? 'undefined' : `not a string`}. ${remedy}`)
  }
  if (value.trim() === '') refuseOption(`${option} is empty. ${remedy}`)
  return value
}

/** @throws `invalid_option` when the value is not a positive, finite number. */
export function positiveNumber(value: number | undefined, fallback: number, option: string): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    refuseOption(`${option} must be a positive number; leave it out for the default of ${fallback}.`)
  }
  return value
}

/** Same letters but for case and separators, or one edit apart: enough to catch `clientID` and `redirectUrl`. */
function isSimilar(known: string, given: string): boolean {
  const a = known.toLowerCase().replace(/[^a-z]/g, '')
  const b = given.toLowerCase().replace(/[^a-z]/g, '')
  if (a === b || (b.length > 3 && (a.startsWith(b) || b.startsWith(a)))) return true
  if (Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start++
  const restA = a.slice(start)
  const restB = b.slice(start)
  return restA.slice(1) === restB || restA === restB.slice(1) || restA.slice(1) === restB.slice(1)
}
