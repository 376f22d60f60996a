import { FhirAuthError } from '@fhir-auth/core'

// The pool is described by what is used of it, so that the types of this package need no others.

/** What is used of a `Pool` of `pg` 8. */
export interface PostgresPool {
  query(query: PostgresQuery): Promise<PostgresResult>
  readonly totalCount: number
}

interface PostgresQuery {
  text: string
  values: unknown[]
  rowMode: 'array'
  types: { getTypeParser(): (value: string) => string }
}

export interface PostgresResult {
  rows: string[][]
  rowCount: number | null
}

/** Text as the connection brings it, whatever parsers the app has registered. */
const types = { getTypeParser: () => (value: string) => value }

/** As many times a statement is sent again that was refused because another one came first. */
const MOST_TRIES = 20
const SERIALIZATION_FAILURE = '40001'

/**
 * Sends one statement. Where the app's default isolation is above `read committed`, PostgreSQL refuses a statement whose
 * row another one has just written, and asks for it once more; nothing was carried out then.
 */
export async function send(pool: PostgresPool, text: string, values: unknown[]): Promise<PostgresResult> {
  for (let tries = 1; ; tries++) {
    try {
      return await pool.query({ text, values, rowMode: 'array', types })
    } catch (error) {
      if (tries === MOST_TRIES || sqlStateOf(error) !== SERIALIZATION_FAILURE) throw error
    }
  }
}

/** The code of an error of PostgreSQL, five characters. */
export function sqlStateOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** @throws `invalid_option` for anything but a pool */
export function checkPool(pool: unknown): asserts pool is PostgresPool {
  const { query, totalCount } = (pool ?? {}) as Partial<PostgresPool> // any value may be asked for any member
  if (typeof query === 'function' && typeof totalCount === 'number') return
  throw new FhirAuthError(
    'invalid_option',
    'postgresStore(pool) takes a Pool of "pg" 8: new Pool({ connectionString: … }). A single Client carries out one query ' +
      'after another, and stays broken once its connection is lost.',
  )
}
