import { FhirAuthError } from '@fhir-auth/core'

export interface TableOptions {
  /** Where the table is. Default: the first schema of the connection's `search_path` that has it. */
  schema?: string | undefined
  /** Default `fhir_auth`. Apps that share a database need one each. */
  table?: string | undefined
}

/** Names that were checked and quoted, ready for a statement. */
export interface Table {
  readonly name: string
  readonly indexName: string
}

/** PostgreSQL truncates longer names. The name of the index begins with the table's name, so that must be shorter. */
const MAX_CHARACTERS = { schema: 63, table: 48 } as const

/**
 * @param caller - the name of the function that takes the options, for messages
 * @throws `invalid_option` for an unknown option, or a name with other characters than letters, digits and `_`
 */
export function checkTable(caller: string, options: TableOptions): Table {
  const { schema, table = 'fhir_auth', ...unknown } = options
  for (const name of Object.keys(unknown)) refuse(`${caller}: unknown option "${name}". Known options: schema, table.`)
  const quotedTable = quoted(caller, 'table', table)
  return {
    name: schema === undefined ? quotedTable : `${quoted(caller, 'schema', schema)}.${quotedTable}`,
    indexName: `"${table}_expires_at"`,
  }
}

function quoted(caller: string, option: keyof typeof MAX_CHARACTERS, name: unknown): string {
  const max = MAX_CHARACTERS[option]
  if (typeof name !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.length > max) {
    refuse(`${caller}: ${option} must be a name of letters, digits and _, with at most ${max} characters.`)
  }
  return `"${name}"`
}

function refuse(message: string): never {
  throw new FhirAuthError('invalid_option', message)
}
