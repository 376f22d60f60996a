export { migrationSql } from './migration.ts'
export type { PostgresPool } from './postgres-pool.ts'
export { type DeleteExpiredOptions, type PostgresStore, postgresStore } from './postgres-store.ts'
export type { TableOptions } from './table.ts'
