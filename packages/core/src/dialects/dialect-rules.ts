import { secureUrl } from '../http/secure-url.ts'
import {
  callable,
  flag,
  listOf,
  type OptionRule,
  type OptionRules,
  oneOf,
  optionalText,
  positive,
  refuseOption,
  text,
  textOrList,
} from '../options.ts'
import { SIGNING_ALGORITHMS } from '../shared/signing-algorithm.ts'
import type {
  AssertionRules,
  AuthorizationRules,
  DialectContext,
  DiscoveryRules,
  IdTokenRules,
  ScopeRules,
  TokenRules,
} from './dialect.ts'

type Loose<Rules extends object> = OptionRules<{ [Rule in keyof Rules]: Rules[Rule] | undefined }>

/** How each rule of a dialect is checked: a value of the wrong type is refused. The compiler reports a missing rule. */
export const DIALECT_RULES: {
  readonly discovery: Loose<DiscoveryRules>
  readonly authorization: Loose<AuthorizationRules>
  readonly token: Loose<TokenRules>
  readonly assertion: Loose<AssertionRules>
  readonly scopes: Loose<ScopeRules>
  readonly idToken: Loose<IdTokenRules>
} = {
  discovery: { url: orFunction(secureUrl), issuer: secureUrl },
  authorization: {
    audienceParameter: oneOf('aud', 'audience', 'both', 'none'),
    pkce: oneOf('force', 'required', 'auto', 'off'),
    nonce: flag(true),
    method: oneOf('GET', 'POST'),
    parameters: additions(isText, 'text'),
  },
  token: {
    sendClientId: oneOf('public', 'always'),
    parameters: additions(isText, 'text'),
    assumeBearer: flag(false),
    acceptedTypes: readAcceptedTypes,
    defaultLifetimeSeconds: positive(300),
  },
  assertion: {
    audience: readAudience,
    lifetimeSeconds: readLifetime,
    typ: text("Write 'JWT', or what the vendor wants."),
    algorithms: listOf(...SIGNING_ALGORITHMS),
    jku: secureUrl,
    header: listOf('x5t', 'x5t#S256', 'x5c'),
    claims: additions((value): value is unknown => typeof value !== 'function', 'JSON'),
    omitClaims: listOf('aud', 'exp', 'iat', 'jti'),
  },
  scopes: { encode: callable(), decode: callable() },
  idToken: {
    mode: oneOf('verify', 'decode', 'ignore'),
    audience: textOrList,
    issuer: orFunction(optionalText),
    skipChecks: listOf('nonce', 'iat', 'typ', 'auth_time'),
  },
}

function orFunction<Call extends (...parameters: never[]) => unknown>(
  read: OptionRule<string | undefined>,
): OptionRule<string | Call | undefined> {
  return function readTextOrFunction(value, option) {
    if (typeof value === 'function') return value as Call
    if (value === undefined || typeof value === 'string') return read(value, option)
    return refuseOption(`${option} must be a text or a function.`)
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** Members to add: an object, or a function of the request that returns one. The result is always a function. */
function additions<Value>(
  isValue: (value: unknown) => value is Value,
  kind: string,
): OptionRule<((context: DialectContext) => Readonly<Record<string, Value>>) | undefined> {
  return function readAdditions(value, option) {
    const checked = (members: unknown, what: string): Readonly<Record<string, Value>> => {
      if (typeof members !== 'object' || members === null || Array.isArray(members)) {
        return refuseOption(`${what} must be an object, such as { name: value }.`)
      }
      const wrong = Object.entries(members).find(([, member]) => !isValue(member))
      if (wrong) refuseOption(`${what}: "${wrong[0]}" must be ${kind}, and is ${typeOf(wrong[1])}.`)
      return members as Readonly<Record<string, Value>>
    }
    if (value === undefined) return undefined
    if (typeof value === 'function') return (context) => checked(value(context), `What ${option} returns`)
    if (typeof value !== 'object') return refuseOption(`${option} must be an object, or a function that returns one.`)
    const members = Object.freeze({ ...checked(value, option) })
    return () => members
  }
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}

function readAudience(value: unknown, option: string): AssertionRules['audience'] | undefined {
  if (typeof value === 'object' && value !== null) {
    const { literal } = value as { literal?: unknown }
    if (typeof literal === 'string' && literal !== '' && Object.keys(value).length === 1) return { literal }
    return refuseOption(`${option} as an object must be { literal: 'a text' }.`)
  }
  const known = ['token_endpoint', 'issuer', 'fhir_base'] as const
  const found = known.find((name) => name === value)
  if (value === undefined || found !== undefined) return found
  return refuseOption(`${option} must be 'token_endpoint', 'issuer', 'fhir_base' or { literal: 'a text' }.`)
}

function readLifetime(value: unknown, option: string): number | undefined {
  if (value === undefined || (typeof value === 'number' && value > 0 && value <= 300)) return value
  return refuseOption(
    `${option} is ${typeof value === 'number' ? value : typeOf(value)}. Use more than 0 and at most 300 (SMART App Launch 2.2, "Authentication JWT").`,
  )
}

/** Tokens of these types need a proof of possession with each request (RFC 9449 §7.1), which this library does not send. */
const BOUND_TYPES = ['dpop', 'mac', 'pop']

function readAcceptedTypes(types: unknown, option: string): readonly string[] {
  if (!Array.isArray(types) || !types.every((type) => typeof type === 'string' && type !== '')) {
    refuseOption(`${option} must be a list of words, e.g. ['BearerToken'].`)
  }
  const bound = types.find((type) => BOUND_TYPES.includes(type.toLowerCase()))
  if (bound) refuseOption(`${option} has "${bound}", which is not a bearer token. Ask the vendor for bearer tokens.`)
  return types
}
