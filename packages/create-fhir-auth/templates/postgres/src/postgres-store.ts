import { postgresStore } from '@fhir-auth/postgres'
import { Pool } from 'pg'
import type { Environment } from './environment.ts'
import type { OpenStore } from './memory-store.ts'

/** Connects to PostgreSQL, and makes the one table if it is not there yet. */
export async function openPostgresStore(env: Environment): Promise<OpenStore> {
  if (!env.DATABASE_URL) throw new Error('DATABASE_URL is not set. Write it into .env: .env.example shows how.')
  const pool = new Pool({
    connectionString: env.DATABASE_URL,
    connectionTimeoutMillis: 5000,
    query_timeout: 10_000,
    statement_timeout: 2000,
  })
  pool.on('error', (error) => console.error('PostgreSQL:', error.message))
  const store = postgresStore(pool)
  await store.migrate().catch((cause: Error) => {
    throw new Error(`PostgreSQL at DATABASE_URL cannot be used: ${cause.message}`, { cause })
  })
  return { store, close: () => pool.end() }
}
