import { checkTable, type Table, type TableOptions } from './table.ts'

/**
 * The statement that makes the table, for your migrations or `psql`. It does nothing if the table exists. Several processes
 * may send it at the same time.
 *
 * @throws `invalid_option` for a wrong name
 */
export function migrationSql(options: TableOptions = {}): string {
  return migrationOf(checkTable('migrationSql()', options))
}

/**
 * `COLLATE "C"` compares bytes: faster, and no update of the system's collations can break the index. `STORAGE EXTERNAL`
 * switches off compression, because encrypted values cannot be compressed. The lock is needed because two
 * `CREATE TABLE IF NOT EXISTS` at the same time can still collide.
 */
export function migrationOf({ name, indexName }: Table): string {
  return `-- fhir-auth: sessions, refresh locks and shared tokens. A row whose expires_at has passed counts as deleted.
DO $migration$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('fhir-auth migration'));
  IF to_regclass('${name}') IS NULL THEN
    CREATE TABLE ${name} (
      key text COLLATE "C" PRIMARY KEY,
      value text NOT NULL,
      expires_at timestamptz NOT NULL
    );
    ALTER TABLE ${name} ALTER COLUMN value SET STORAGE EXTERNAL;
    CREATE INDEX ${indexName} ON ${name} (expires_at);
  END IF;
END
$migration$;
`
}
