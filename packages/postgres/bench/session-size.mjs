// What sessions cost on the disk of PostgreSQL: in an empty table of a database that may be written to.
//
//   DATABASE_URL=postgres://… node packages/postgres/bench/session-size.mjs [sessions…]     default: 10000 100000

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { Pool } from 'pg'

const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10_000, 100_000]
/** Characters of a sealed session; docs/scaling.md says which session has how many. */
const valueLengths = [1500, 3000, 6000]
const BATCH = 500
const TABLE = 'fhir_auth_size'

const pool = new Pool({ connectionString: process.env.DATABASE_URL })
const [{ server_version: version }] = (await pool.query('SHOW server_version')).rows
console.log(`PostgreSQL ${version}, Node ${process.version}, ${cpus()[0]?.model}`)
console.log('characters | sessions  | table, values, indexes | of each    | after each was written 3 times more')
for (const length of valueLengths) for (const count of counts) console.log(await measure(count, length))
await pool.query(`DROP TABLE ${TABLE}`)
await pool.end()

/**
 * @param {number} count
 * @param {number} length
 */
async function measure(count, length) {
  await pool.query(`DROP TABLE IF EXISTS ${TABLE}`)
  await pool.query(migration())
  const keys = Array.from({ length: count }, () => randomBytes(32).toString('base64url'))
  await write(keys, length)
  const fresh = await size()
  for (let round = 0; round < 3; round++) {
    await write(keys, length)
    await pool.query(`VACUUM ${TABLE}`)
  }
  const used = await size()
  return [
    String(length).padStart(10),
    count.toLocaleString('en').padStart(9),
    `${(fresh / 1e6).toFixed(1)} MB`.padStart(22),
    `${Math.round(fresh / count)} bytes`.padStart(10),
    `${(used / 1e6).toFixed(1)} MB, ${Math.round(used / count)} bytes each`,
  ].join(' | ')
}

/** As migrationSql() has it: the README, which a test holds to it. */
function migration() {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, sql = ''] = /```sql\n(-- fhir-auth: [\s\S]*?)```/.exec(readme) ?? []
  return sql.replaceAll('fhir_auth', TABLE)
}

/**
 * @param {string[]} keys
 * @param {number} length
 */
async function write(keys, length) {
  for (let first = 0; first < keys.length; first += BATCH) {
    const batch = keys.slice(first, first + BATCH)
    const values = batch.map(() => randomBytes(length).toString('base64url').slice(0, length))
    await pool.query(
      `INSERT INTO ${TABLE} SELECT key, value, now() + interval '8 hours' FROM unnest($1::text[], $2::text[]) AS new (key, value)
       ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
      [batch, values],
    )
  }
}

async function size() {
  const { rows } = await pool.query(`SELECT pg_total_relation_size('${TABLE}') AS bytes`)
  return Number(rows[0].bytes)
}
