import { FhirAuthError } from '@fhir-auth/core'

// This type describes only what is used of the pool, so that the types of `pg` do not have to be installed.

/** The used part of a `Pool` of `pg` 8. */
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

/** Returns columns as text, whatever parsers the app has registered. */
const types = { getTypeParser: () => (value: string) => value }

/** How often a statement is sent that is refused because another one came first. */
const MAX_TRIES = 20
const SERIALIZATION_FAILURE = '40001'

/**
 * Sends one statement. If the app's default isolation is above `read committed`, PostgreSQL refuses a statement whose row
 * another one has just written. Nothing was changed then, and the statement is sent again.
 */
export async function send(pool: PostgresPool, text: string, values: unknown[]): Promise<PostgresResult> {
  for (let tries = 1; ; tries++) {
    try {
      return await pool.query({ text, values, rowMode: 'array', types })
    } catch (error) {
      if (tries === MAX_TRIES || sqlStateOf(error) !== SERIALIZATION_FAILURE) throw error
    }
  }
}

/** The five-character code of a PostgreSQL error. */
export function sqlStateOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** @throws `invalid_option` for anything but a pool */
export function checkPool(pool: unknown): asserts pool is PostgresPool {
  const { query, totalCount } = (pool ?? {}) as Partial<PostgresPool> // any value can have any member
  if (typeof query === 'function' && typeof totalCount === 'number') return
  throw new FhirAuthError(
    'invalid_option',
    'postgresStore(pool) takes a Pool of "pg" 8: new Pool({ connectionString: … }). A single Client runs one query after ' +
      'another, and stays broken once its connection is lost.',
  )
}
