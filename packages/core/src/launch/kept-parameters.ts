import { FhirAuthError } from '../errors.ts'
import { type OptionRule, refuseOption, textList } from '../options.ts'
import { withParameter } from '../web/with-parameter.ts'

/** The app's own parameters of a launch, by name. */
export type KeptParameters = Readonly<Record<string, string>>

const MAX_NAMES = 10
/** Of all parameters together, encoded. */
const MAX_LENGTH = 500
/** Parameters with a meaning of their own in the paths of this library. */
const RESERVED = [
  ...['iss', 'launch', 'launch_id', 'returnTo', 'cookie_check'],
  ...['code', 'state', 'error', 'error_description', 'error_uri', 'session_state'],
]

/** Reads the option `keepParameters`. */
export const keptNames: OptionRule<readonly string[]> = (value, option) => {
  const names = textList(value, option) ?? []
  if (names.length > MAX_NAMES) refuseOption(`${option} has more than ${MAX_NAMES} names.`)
  for (const name of names) {
    if (RESERVED.includes(name))
      refuseOption(`${option}: "${name}" is reserved for the launch itself. Use another name.`)
    if (!/^[\w.~-]{1,40}$/.test(name)) {
      refuseOption(
        `${option}: ${JSON.stringify(name)} is not allowed. Use letters, digits, ".", "-", "~" and "_", at most 40 characters.`,
      )
    }
  }
  return Object.freeze([...new Set(names)])
}

/**
 * The parameters of a launch that the app wants to keep.
 *
 * @throws `invalid_launch` if one occurs twice, or if they are too long for a cookie
 */
export function readKeptParameters(query: URLSearchParams, names: readonly string[]): KeptParameters {
  const found = names.flatMap((name) => {
    const [value, ...more] = query.getAll(name)
    if (more.length > 0) refuse(`The address of the launch has the parameter ${name} twice.`)
    return value === undefined ? [] : [[name, value] as const]
  })
  const kept = Object.fromEntries(found)
  if (String(new URLSearchParams(kept)).length > MAX_LENGTH) {
    refuse(
      `The parameters ${Object.keys(kept).join(', ')} of the launch are too long: at most ${MAX_LENGTH} characters can be kept.`,
    )
  }
  return kept
}

/** Sets these parameters in the address of a page. */
export function withParameters(path: string, parameters: KeptParameters): string {
  return Object.entries(parameters).reduce((address, [name, value]) => withParameter(address, name, value), path)
}

/** Reads the parameters that {@link withParameters} has set. */
export function parametersIn(path: string, names: readonly string[]): KeptParameters {
  const { searchParams } = new URL(path, 'https://this.invalid')
  return Object.freeze(
    Object.fromEntries(
      names.flatMap((name) =>
        searchParams
          .getAll(name)
          .slice(0, 1)
          .map((value) => [name, value]),
      ),
    ),
  )
}

function refuse(message: string): never {
  throw new FhirAuthError('invalid_launch', message)
}
