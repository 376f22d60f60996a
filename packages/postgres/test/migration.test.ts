import { type PostgresServer, postgresIsMissing, startPostgresServer } from '@fhir-auth/conformance'
import { Client, Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { migrationSql, postgresStore } from '../src/index.ts'

describe.skipIf(postgresIsMissing())('the table', () => {
  let server: PostgresServer
  let admin: Pool
  let schema: string
  const pools: Pool[] = []
  beforeAll(async () => {
    server = await startPostgresServer()
    admin = new Pool({ connectionString: server.url })
  })
  afterAll(async () => {
    await admin.end()
    await server.close()
  })
  beforeEach(async () => {
    schema = `s_${crypto.randomUUID().replaceAll('-', '_')}`
    await admin.query(`CREATE SCHEMA ${schema}`)
  })
  afterEach(async () => {
    for (const pool of pools.splice(0)) await pool.end()
    await admin.query(`DROP SCHEMA ${schema} CASCADE`)
  })
  const openPool = (user?: string, searchPath = schema) => {
    const url = new URL(server.url)
    if (user !== undefined) url.username = user
    const pool = new Pool({ connectionString: url.href, options: `-c search_path=${searchPath}` })
    pools.push(pool)
    return pool
  }
  /** What the table is made of, as the database sees it. */
  const describeTable = async () => {
    const columns = await admin.query(
      `SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull, collname, attstorage FROM pg_attribute
       LEFT JOIN pg_collation ON pg_collation.oid = attcollation
       WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum`,
      [`${schema}.fhir_auth`],
    )
    const indexes = await admin.query('SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY 1', [
      schema,
    ])
    return { columns: columns.rows, indexes: indexes.rows }
  }

  it('is made by migrate() as by the SQL, and may be made again', async () => {
    const pool = openPool()
    const store = postgresStore(pool)
    await store.migrate()
    const made = await describeTable()
    expect(made.columns).toEqual([
      { attname: 'key', type: 'text', attnotnull: true, collname: 'C', attstorage: expect.any(String) },
      { attname: 'value', type: 'text', attnotnull: true, collname: 'default', attstorage: 'e' },
      expect.objectContaining({ attname: 'expires_at', type: 'timestamp with time zone', attnotnull: true }),
    ])
    expect(made.indexes.map(({ indexname }) => indexname)).toEqual(['fhir_auth_expires_at', 'fhir_auth_pkey'])
    await store.set('key', 'kept', 60)
    await store.migrate()
    await pool.query(migrationSql())
    expect(await describeTable()).toEqual(made)
    expect(await store.get('key')).toBe('kept')
    await pool.query('DROP TABLE fhir_auth')
    await pool.query(migrationSql())
    expect(await describeTable()).toEqual(made)
  })

  it('is made once by 20 processes that start at the same time', async () => {
    const clients = Array.from({ length: 20 }, () => openPool())
    await Promise.all(clients.map((pool) => pool.query('SELECT 1')))
    await Promise.all(clients.map((pool) => postgresStore(pool).migrate()))
    expect((await describeTable()).indexes).toHaveLength(2)
  })

  it('is made inside the transaction of a migration tool, and goes when that is rolled back', async () => {
    const client = new Client({ connectionString: server.url })
    await client.connect()
    await client.query('BEGIN')
    await client.query(migrationSql({ schema }))
    await client.query(`INSERT INTO ${schema}.fhir_auth VALUES ('key', 'value', now())`)
    await client.query('ROLLBACK')
    await client.end()
    await expect(describeTable()).rejects.toThrow('does not exist')
  })

  it('may have a schema and a name of its own, with capital letters', async () => {
    const store = postgresStore(openPool(undefined, 'public'), { schema, table: 'Sessions_2' })
    await store.migrate()
    await store.set('key', 'value', 60)
    expect((await admin.query(`SELECT key FROM ${schema}."Sessions_2"`)).rows).toEqual([{ key: 'key' }])
    expect(migrationSql({ schema, table: 'Sessions_2' })).toContain(`"${schema}"."Sessions_2"`)
  })

  it('is used and asked for by a role that may neither make nor read anything else', async () => {
    await postgresStore(openPool()).migrate()
    const role = `role_${crypto.randomUUID().replaceAll('-', '_')}`
    await admin.query(`CREATE ROLE ${role} LOGIN`)
    try {
      const store = postgresStore(openPool(role))
      await expect(store.migrate()).rejects.toThrow(/schema of "fhir_auth" does not exist.*USAGE/)
      await admin.query(`GRANT USAGE ON SCHEMA ${schema} TO ${role}`)
      await expect(postgresStore(openPool(role), { table: 'new' }).migrate()).rejects.toThrow(
        /a privilege on "new".*CREATE/,
      )
      await expect(store.get('key')).rejects.toThrow(
        /lacks a privilege on "fhir_auth".*SELECT, INSERT, UPDATE and DELETE/,
      )
      await admin.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema}.fhir_auth TO ${role}`)
      await store.migrate()
      await store.set('key', 'one', 60)
      expect(await store.swap('key', 'one', 'two', 60)).toBe(true)
      expect(await store.swap('other', undefined, 'two', 0)).toBe(true)
      expect(await store.deleteExpired()).toBe(1)
      expect(await store.delete('key', 'two')).toBe(true)
    } finally {
      await admin.query(`DROP OWNED BY ${role}`)
      await admin.query(`DROP ROLE ${role}`)
    }
  })

  it('that is missing, or is somebody else’s, is said so, with what to do', async () => {
    const store = postgresStore(openPool())
    const calls = [() => store.get('key'), () => store.swap('key', 'a', 'b', 1), () => store.deleteExpired()]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({
        code: 'session_store_failed',
        message: expect.stringMatching(/The table "fhir_auth" does not exist\. Call migrate\(\)/),
        cause: expect.objectContaining({ code: '42P01' }),
      })
    }
    await expect(postgresStore(openPool(), { schema: 'nowhere' }).migrate()).rejects.toThrow(
      /schema of "nowhere"\."fhir_auth" does not exist/,
    )
    await expect(postgresStore(openPool(undefined, 'nowhere')).migrate()).rejects.toThrow(/schema of .* does not exist/)
    await admin.query(`CREATE TABLE ${schema}.fhir_auth (sid varchar PRIMARY KEY, sess json, expire timestamp(6))`)
    await expect(store.migrate()).rejects.toThrow(/"fhir_auth" has other columns.*another name/)
    await admin.query(`CREATE TABLE ${schema}.other (key text PRIMARY KEY, value json, expires_at timestamptz)`)
    const other = postgresStore(openPool(), { table: 'other' })
    await expect(other.migrate()).rejects.toThrow(/"other" has other columns.*another name/)
  })

  it('a standby says that it refuses writes', async () => {
    const pool = new Pool({ connectionString: server.url, options: `-c search_path=${schema}` })
    pools.push(pool)
    await postgresStore(pool).migrate()
    await pool.query('SET default_transaction_read_only = on')
    await expect(postgresStore(pool).set('key', 'a', 1)).rejects.toThrow(/refuses writes.*standby.*primary/)
  })
})
