import { type Dialect, intelichart, smart } from '@fhir-auth/core'
import { UsageError } from './usage-error.ts'

interface DialectSettings {
  readonly jwksUrl?: string | undefined
  readonly issuer?: string | undefined
}

const DIALECTS: Readonly<Record<string, (settings: DialectSettings) => Dialect>> = {
  smart: ({ issuer }) => smart({ discovery: { issuer } }),
  intelichart: ({ jwksUrl, issuer }) => intelichart({ jwksUrl, issuer }),
}

export const DIALECT_NAMES: readonly string[] = Object.keys(DIALECTS)

/** @throws UsageError for a name that is none of {@link DIALECT_NAMES} */
export function dialectNamed(name: string, settings: DialectSettings): Dialect {
  const make = Object.hasOwn(DIALECTS, name) ? DIALECTS[name] : undefined
  if (!make) throw new UsageError(`There is no dialect "${name}". Use ${DIALECT_NAMES.join(' or ')}.`)
  return make(settings)
}
