import { FhirAuthError } from '@fhir-auth/core'

export interface TableOptions {
  /** Where the table is. Default: the first schema of the connection's `search_path` that has it. */
  schema?: string | undefined
  /** Default `fhir_auth`. Apps that share a database need one each. */
  table?: string | undefined
}

/** Names that were checked, ready to stand in a statement. */
export interface Table {
  readonly name: string
  readonly indexName: string
}

/** PostgreSQL cuts longer names off. The table's name also begins the name of its index. */
const MOST_CHARACTERS = { schema: 63, table: 48 } as const

/**
 * @param caller - how messages call the function that takes the options
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

function quoted(caller: string, option: keyof typeof MOST_CHARACTERS, name: unknown): string {
  const most = MOST_CHARACTERS[option]
  if (typeof name !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.length > most) {
    refuse(`${caller}: ${option} must be a name of letters, digits and _, with at most ${most} characters.`)
  }
  return `"${name}"`
}

function refuse(message: string): never {
  throw new FhirAuthError('invalid_option', message)
}
