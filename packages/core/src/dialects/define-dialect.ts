import { callable, checkKnownOptions, type OptionRule } from '../options.ts'
import type {
  AssertionRules,
  AuthorizationRules,
  Dialect,
  DialectOverrides,
  IdTokenRules,
  RulePart,
  ScopeRules,
  TokenRules,
} from './dialect.ts'
import { DIALECT_RULES } from './dialect-rules.ts'

const SMART: Omit<Dialect, 'name'> = {
  discovery: Object.freeze({ url: undefined, issuer: undefined }),
  authorization: Object.freeze<AuthorizationRules>({
    audienceParameter: 'aud',
    pkce: 'force',
    nonce: true,
    method: 'GET',
    parameters: () => ({}),
  }),
  token: Object.freeze<TokenRules>({
    sendClientId: 'public',
    parameters: () => ({}),
    assumeBearer: false,
    acceptedTypes: [],
    defaultLifetimeSeconds: 300,
  }),
  // SMART allows 300 s. 240 s leave room for a clock that is a minute off.
  assertion: Object.freeze<AssertionRules>({
    audience: 'token_endpoint',
    lifetimeSeconds: 240,
    typ: 'JWT',
    algorithms: undefined,
    jku: undefined,
    header: [],
    claims: () => ({}),
    omitClaims: [],
  }),
  scopes: Object.freeze<ScopeRules>({ encode: (scope) => scope, decode: (scope) => scope }),
  idToken: Object.freeze<IdTokenRules>({ mode: 'verify', audience: undefined, issuer: undefined, skipChecks: [] }),
  check: () => {},
}

/** Dialects whose rules have been checked. */
const made = new WeakSet<Dialect>()

/**
 * Makes a dialect from the rules in which a vendor differs.
 *
 * @param base - the dialect to start from. Default: SMART App Launch 2.2 as written.
 * @throws `invalid_option` for an unknown rule, or a value of the wrong type
 */
export function defineDialect(name: string, overrides: DialectOverrides = {}, base?: Dialect): Dialect {
  const start = base ?? SMART
  const owner = `defineDialect("${name}")`
  checkKnownOptions(overrides, Object.keys(SMART), owner)
  const part = <Part extends RulePart>(key: Part): Dialect[Part] => {
    const given = overrides[key]
    if (given === undefined) return start[key] as Dialect[Part]
    checkKnownOptions(given, Object.keys(SMART[key]), `${owner}.${key}`)
    const rules: Readonly<Record<string, OptionRule<unknown>>> = DIALECT_RULES[key]
    const set = Object.entries(given)
      .filter(([, value]) => value !== undefined)
      .map(([rule, value]) => [rule, rules[rule]?.(value, `${owner}.${key}.${rule}`)])
    return Object.freeze({ ...start[key], ...Object.fromEntries(set) }) as Dialect[Part]
  }
  const dialect: Dialect = Object.freeze({
    name,
    discovery: part('discovery'),
    authorization: part('authorization'),
    token: part('token'),
    assertion: part('assertion'),
    scopes: part('scopes'),
    idToken: part('idToken'),
    check: callable<Dialect['check']>()(overrides.check, `${owner}.check`) ?? start.check,
  })
  made.add(dialect)
  return dialect
}

/** Returns a dialect as it is. If it is a changed copy of one, checks its rules and makes a new one. */
export function completeDialect(dialect: Dialect): Dialect {
  if (made.has(dialect)) return dialect
  const { name, ...rules } = dialect
  return defineDialect(name, rules)
}
