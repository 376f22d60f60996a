import { Pool } from 'pg'
import { Pool as Pool87 } from 'pg87'
import type { PostgresPool } from '../src/index.ts'

/** What the README recommends. */
export const recommended = {
  max: 10,
  connectionTimeoutMillis: 5000,
  query_timeout: 10_000,
  statement_timeout: 2000,
  keepAlive: true,
}

export interface Opened {
  pool: PostgresPool
  end(): Promise<void>
}

/** The newest and the oldest version that the package supports. */
export const pools: Record<string, (url: string) => Opened> = {
  'pg 8': (url) => opened(new Pool({ connectionString: url, ...recommended })),
  'pg 8.7': (url) => opened(new Pool87({ connectionString: url, ...recommended })),
  'pg 8, serializable transactions by default': (url) => {
    const options = '-c default_transaction_isolation=serializable'
    return opened(new Pool({ connectionString: url, options, ...recommended }))
  },
}

export function opened(pool: Pool): Opened {
  // A connection that is lost while nobody uses it.
  pool.on('error', () => {})
  return { pool, end: () => pool.end() }
}
