import {
  athenahealth,
  type Dialect,
  defineDialect,
  epic,
  intelichart,
  meditech,
  oracleHealth,
  smart,
} from '@fhir-auth/core'
import { UsageError } from './usage-error.ts'

export interface DialectSettings {
  readonly jwksUrl?: string | undefined
  /** Where openid-configuration is, if the dialect does not say. */
  readonly issuer?: string | undefined
}

const DIALECTS: Readonly<Record<string, (settings: DialectSettings) => Dialect>> = {
  smart: () => smart(),
  intelichart: ({ jwksUrl }) => intelichart({ jwksUrl }),
  epic: () => epic(),
  'oracle-health': () => oracleHealth(),
  athenahealth: () => athenahealth(),
  meditech: () => meditech(),
}

export const DIALECT_NAMES: readonly string[] = Object.keys(DIALECTS)

/** @throws UsageError for a name that is none of {@link DIALECT_NAMES} */
export function dialectNamed(name: string, settings: DialectSettings): Dialect {
  const make = Object.hasOwn(DIALECTS, name) ? DIALECTS[name] : undefined
  if (!make) throw new UsageError(`There is no dialect "${name}". Use one of ${DIALECT_NAMES.join(', ')}.`)
  const dialect = make(settings)
  const { issuer } = settings
  return issuer === undefined ? dialect : defineDialect(dialect.name, { discovery: { issuer } }, dialect)
}
