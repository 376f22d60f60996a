import { FhirAuthError } from '@fhir-auth/core'
import { sqlStateOf } from './postgres-pool.ts'
import type { Table } from './table.ts'

/** Replaces an error that the app's set-up causes by one that says what to do. Any other error stays as it is. */
export function explained(error: unknown, { name }: Table): unknown {
  const message = REMEDIES.get(sqlStateOf(error))?.(name)
  return message === undefined ? error : new FhirAuthError('session_store_failed', message, { cause: error })
}

const foreignTable = (name: string) =>
  `The table ${name} has other columns than fhir-auth's. Choose another name with the option "table".`

const REMEDIES = new Map<unknown, (name: string) => string>([
  [
    '42P01',
    (name) =>
      `The table ${name} does not exist. Call migrate() of the store once, or run migrationSql() with your migrations.`,
  ],
  [
    '3F000',
    (name) =>
      `The schema of ${name} does not exist. Create it (CREATE SCHEMA …), and grant USAGE and CREATE on it to this connection's role.`,
  ],
  [
    '42501',
    (name) =>
      `The role of this connection lacks a privilege on ${name}. It needs USAGE on the schema and SELECT, INSERT, UPDATE ` +
      'and DELETE on the table. To create the table, it also needs CREATE on the schema.',
  ],
  [
    '25006',
    (name) =>
      `The server of this connection refuses writes to ${name}: it is a standby, or no longer the primary. Connect the pool ` +
      'to the primary.',
  ],
  ['42703', foreignTable],
  ['42804', foreignTable],
  ['42883', foreignTable],
  ['42P10', foreignTable],
])
