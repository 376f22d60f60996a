import { FhirAuthError } from '@fhir-auth/core'
import { sqlStateOf } from './postgres-pool.ts'
import type { Table } from './table.ts'

/** What to do about an error that the app's set-up causes. Any other one stays as it is. */
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
      `The table ${name} does not exist. Call migrate() of the store once, or carry out migrationSql() with your migrations.`,
  ],
  [
    '3F000',
    (name) =>
      `There is no schema for ${name}. Make it first (CREATE SCHEMA …), and grant this connection's role USAGE and CREATE on it.`,
  ],
  [
    '42501',
    (name) =>
      `The role of this connection lacks a privilege on ${name}. It needs USAGE on the schema and SELECT, INSERT, UPDATE ` +
      'and DELETE on the table; to make the table, CREATE on the schema.',
  ],
  [
    '25006',
    (name) =>
      `The server of this connection takes no writes to ${name}: it is a standby, or no longer the primary. Connect the pool ` +
      'to the primary.',
  ],
  ['42703', foreignTable],
  ['42804', foreignTable],
  ['42883', foreignTable],
  ['42P10', foreignTable],
])
