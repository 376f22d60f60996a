import { FhirAuthError } from './errors.ts'

/**
 * Reads one option: returns its value, or the default if it is undefined.
 *
 * @param option - its name, for messages
 * @throws `invalid_option` for a wrong value
 */
export type OptionRule<Value> = (value: unknown, option: string) => Value

/** A rule for each option of a type. The compiler refuses a table that forgets one. */
export type OptionRules<Options extends object> = { readonly [Name in keyof Options]-?: OptionRule<Options[Name]> }

type OptionTable = Readonly<Record<string, OptionRule<unknown>>>

/** The values that a table of rules returns. */
export type OptionValues<Rules> = {
  readonly [Name in keyof Rules]: Rules[Name] extends OptionRule<infer Value> ? Value : never
}

/**
 * Reads all options by their rules. Unknown names are refused.
 *
 * @param owner - who takes them: `smartLaunch()`, or the option that contains them, such as `session`
 * @throws `invalid_option` naming the option and what to write instead
 */
export function readOptions<Rules extends OptionTable>(
  options: unknown,
  rules: Rules,
  owner: string,
): OptionValues<Rules> {
  checkKnownOptions(options, Object.keys(rules), owner)
  const given = options as Readonly<Record<string, unknown>> // an object with known names
  const nameOf = (name: string) => (owner.endsWith(')') ? `${owner}: ${name}` : `${owner}.${name}`)
  const values = Object.entries(rules).map(([name, rule]) => [name, rule(given[name], nameOf(name))])
  // Each value was returned by its rule.
  return Object.fromEntries(values) as OptionValues<Rules>
}

/** Always throws `invalid_option`. The message names the option and says what to write instead. */
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

/** @throws `invalid_option` if the string is missing or blank. */
export function requireText(value: unknown, option: string, remedy: string): string {
  if (typeof value !== 'string') {
    refuseOption(`${option} is ${value === undefined ? 'undefined' : `not a string`}. ${remedy}`)
  }
  if (value.trim() === '') refuseOption(`${option} is empty. ${remedy}`)
  return value
}

/**
 * A string that is sent exactly as it is. A line break from a file, or a space from copying, would be sent too, and the
 * server would refuse the client without saying why. Messages never show the value, because it may be a secret.
 *
 * @throws `invalid_option` for white space at the start or end, or an invisible character
 */
export function requireExactText(value: unknown, option: string, remedy: string): string {
  const text = requireText(value, option, remedy)
  const ends = { begins: text.charAt(0), ends: text.slice(-1) }
  for (const [place, character] of Object.entries(ends)) {
    if (/[\r\n]/.test(character)) refuseOption(`${option} ${place} with a line break. Remove it, e.g. with .trim().`)
    if (character.trim() === '') refuseOption(`${option} ${place} with a space. Remove it, e.g. with .trim().`)
  }
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text))
    refuseOption(`${option} contains a control character. Copy it again, without line breaks.`)
  return text
}

/**
 * Scopes separated by spaces (RFC 6749 §3.3).
 *
 * @throws `invalid_option` for a comma after a scope; only the query of a SMART scope may have commas
 */
export function requireScope(value: unknown, option: string, remedy: string): string {
  const scope = requireText(value, option, remedy)
  const faulty = scope.split(/\s+/).find((token) => token.endsWith(',') || token.split('?', 1)[0]?.includes(','))
  if (faulty === undefined) return scope
  return refuseOption(`${option} has a comma after a scope ("${faulty.slice(0, 60)}"). Separate scopes with spaces.`)
}

/** A string that is required. */
export function text(remedy: string): OptionRule<string> {
  return (value, option) => requireText(value, option, remedy)
}

export const optionalText: OptionRule<string | undefined> = (value, option) =>
  value === undefined ? undefined : requireText(value, option, 'Leave it out, or write a string.')

export const textList: OptionRule<readonly string[] | undefined> = (value, option) => {
  if (value === undefined) return undefined
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  return refuseOption(`${option} must be a list of strings.`)
}

export const textOrList: OptionRule<string | readonly string[] | undefined> = (value, option) =>
  typeof value === 'string' ? optionalText(value, option) : textList(value, option)

export function exactText(remedy: string): OptionRule<string> {
  return (value, option) => requireExactText(value, option, remedy)
}

/** Options within an option. If it is undefined, all of them have their defaults. */
export function group<Rules extends OptionTable>(rules: Rules): OptionRule<OptionValues<Rules>> {
  return (value = {}, option) => readOptions(value, rules, option)
}

/** Options within an option that may be left out. */
export function optionalGroup<Rules extends OptionTable>(rules: Rules): OptionRule<OptionValues<Rules> | undefined> {
  return (value, option) => (value === undefined ? undefined : readOptions(value, rules, option))
}

/** A path of the app, as its framework sees it. */
export function path<Fallback extends string | undefined>(fallback: Fallback): OptionRule<string | Fallback> {
  return function readPath(value, option) {
    if (value === undefined) return fallback
    // A second slash or a backslash would make it the address of another host.
    if (typeof value === 'string' && /^\/(?![/\\])[^?#\s]*$/.test(value)) return value
    return refuseOption(`${option} must be a path such as '/login'. Query and host do not belong in it.`)
  }
}

/** A path, or `false` for none. */
export function pathOrFalse<Fallback extends string | undefined>(
  fallback: Fallback,
): OptionRule<string | false | Fallback> {
  const read = path(fallback)
  return (value, option) => (value === false ? false : read(value, option))
}

/** An option that is checked where it is used, because the check needs more than the value. */
export function checkedByReader<Value>(): OptionRule<Value | undefined> {
  return (value) => value as Value | undefined
}

/** A finite number above zero. */
export function positive(fallback: number): OptionRule<number> {
  return function readPositive(value = fallback, option) {
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value
    return refuseOption(`${option} must be a positive number; leave it out for the default of ${fallback}.`)
  }
}

export function flag(fallback: boolean): OptionRule<boolean> {
  return function readFlag(value = fallback, option) {
    return typeof value === 'boolean' ? value : refuseOption(`${option} must be true or false.`)
  }
}

export function oneOf<const Value extends string>(...values: readonly Value[]): OptionRule<Value | undefined> {
  return function readChoice(value, option) {
    const found = values.find((known) => known === value)
    if (value === undefined || found !== undefined) return found
    return refuseOption(`${option} must be ${values.map((known) => `'${known}'`).join(' or ')}.`)
  }
}

export function listOf<const Value extends string>(
  ...values: readonly Value[]
): OptionRule<readonly Value[] | undefined> {
  return function readList(value, option) {
    if (value === undefined) return undefined
    if (Array.isArray(value) && value.every((item) => values.includes(item))) return value
    return refuseOption(`${option} must be a list of ${values.map((known) => `'${known}'`).join(', ')}.`)
  }
}

/** Checks only that the value is a function. Its parameters and result cannot be checked here. */
export function callable<Call extends (...parameters: never[]) => unknown>(): OptionRule<Call | undefined> {
  return function readFunction(value, option) {
    if (value !== undefined && typeof value !== 'function') refuseOption(`${option} must be a function.`)
    return value as Call | undefined
  }
}

/** A clock, in milliseconds since the epoch. An app's tests replace it. */
export const clock: OptionRule<() => number> = (value, option) => callable<() => number>()(value, option) ?? Date.now

/** Whether two names differ only in case, separators or one edit: enough to catch `clientID` and `redirectUrl`. */
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
