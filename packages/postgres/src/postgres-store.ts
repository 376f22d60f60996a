import { FhirAuthError, type Store } from '@fhir-auth/core'
import { explained } from './explained-error.ts'
import { migrationOf } from './migration.ts'
import { checkPool, type PostgresPool, send } from './postgres-pool.ts'
import { statementsOn } from './statements.ts'
import { storable, textIn } from './storable-text.ts'
import { checkTable, type TableOptions } from './table.ts'

export interface DeleteExpiredOptions {
  /** How many rows one statement deletes. Default 1000. */
  batchSize?: number | undefined
  /** Stops after the current batch. */
  signal?: AbortSignal | undefined
}

export interface PostgresStore extends Store {
  /**
   * Makes the table if it is missing. Call it at each start; several processes may call it at the same time. Once the table
   * exists, the role needs no privilege to create one.
   *
   * @throws an error that says what is missing: the schema, a privilege, a column
   */
  migrate(): Promise<void>
  /**
   * Deletes expired rows in batches, and returns how many. Call it every minute or so, from one process or from all. Without
   * it the table only grows: expired rows are never served.
   */
  deleteExpired(options?: DeleteExpiredOptions): Promise<number>
}

/**
 * Keeps sessions, locks and backend tokens in one table of PostgreSQL. The app makes and ends the pool. Each call is one
 * statement, so it works behind PgBouncer too. Errors of `pg` are passed on; for known ones, the message says what to do.
 *
 * @example
 * ```ts
 * import { postgresStore } from '@fhir-auth/postgres'
 * import { Pool } from 'pg'
 *
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL, connectionTimeoutMillis: 5000, query_timeout: 10_000 })
 * pool.on('error', (error) => console.error('PostgreSQL:', error.message))
 * const store = postgresStore(pool)
 * await store.migrate()
 * setInterval(() => store.deleteExpired().catch(console.error), 60_000).unref()
 * ```
 *
 * @throws `invalid_option` if `pool` is not a pool, for an unknown option, or for a wrong name
 */
export function postgresStore(pool: PostgresPool, options: TableOptions = {}): PostgresStore {
  checkPool(pool)
  const table = checkTable('postgresStore()', options)
  const statements = statementsOn(table)
  const run = async (text: string, ...values: unknown[]) => {
    try {
      return await send(pool, text, values)
    } catch (error) {
      throw explained(error, table)
    }
  }
  const changesOne = async (text: string, ...values: unknown[]) => (await run(text, ...values)).rowCount === 1
  return {
    async get(key) {
      const [[stored] = []] = (await run(statements.get, key)).rows
      return stored === undefined ? undefined : textIn(stored)
    },
    set(key, value, ttlSeconds) {
      return changesOne(statements.set, key, storable(value), ttlSeconds)
    },
    swap(key, expected, value, ttlSeconds) {
      if (expected === undefined) return changesOne(statements.insert, key, storable(value), ttlSeconds)
      return changesOne(statements.swap, key, storable(expected), storable(value), ttlSeconds)
    },
    delete(key, expected) {
      if (expected === undefined) return changesOne(statements.delete, key)
      return changesOne(statements.deleteOwn, key, storable(expected))
    },
    async migrate() {
      await run(migrationOf(table))
      await run(statements.check)
    },
    async deleteExpired({ batchSize = 1000, signal } = {}) {
      if (!Number.isInteger(batchSize) || batchSize < 1) {
        throw new FhirAuthError('invalid_option', 'deleteExpired({ batchSize }) must be a whole number, 1 or more.')
      }
      let deleted = 0
      for (let batch = batchSize; batch === batchSize && !signal?.aborted; deleted += batch) {
        batch = (await run(statements.deleteExpired, batchSize)).rowCount ?? 0
      }
      return deleted
    },
  }
}
