import type { Table } from './table.ts'

export interface Statements {
  readonly get: string
  readonly set: string
  readonly insert: string
  readonly swap: string
  readonly delete: string
  readonly deleteOwn: string
  readonly deleteExpired: string
  readonly check: string
}

/**
 * Each statement is atomic. If it has waited for another one to write its row, PostgreSQL checks its condition again. So it
 * needs `clock_timestamp()`: `now()` would be the time before the wait. All times are the database's own.
 */
export function statementsOn({ name }: Table): Statements {
  const isAlive = 'expires_at > clock_timestamp()'
  const endsIn = (parameter: string) => `clock_timestamp() + ${parameter} * interval '1 second'`
  return {
    get: `SELECT value FROM ${name} WHERE key = $1 AND ${isAlive}`,
    set: `INSERT INTO ${name} (key, value, expires_at) VALUES ($1, $2, ${endsIn('$3')})
ON CONFLICT (key) DO UPDATE SET value = $2, expires_at = ${endsIn('$3')}`,
    insert: `INSERT INTO ${name} AS old (key, value, expires_at) VALUES ($1, $2, ${endsIn('$3')})
ON CONFLICT (key) DO UPDATE SET value = $2, expires_at = ${endsIn('$3')}
WHERE old.expires_at <= clock_timestamp()`,
    swap: `UPDATE ${name} SET value = $3, expires_at = ${endsIn('$4')} WHERE key = $1 AND value = $2 AND ${isAlive}`,
    delete: `DELETE FROM ${name} WHERE key = $1 AND ${isAlive}`,
    deleteOwn: `DELETE FROM ${name} WHERE key = $1 AND value = $2 AND ${isAlive}`,
    // Skips rows that are locked for a write, so that it never waits for other statements.
    deleteExpired: `WITH expired AS MATERIALIZED (
  SELECT key FROM ${name} WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
DELETE FROM ${name} AS old USING expired WHERE old.key = expired.key`,
    check: `SELECT FROM ${name} WHERE key = ''::text AND value = ''::text AND expires_at > now() LIMIT 0`,
  }
}
