import { type PostgresServer, postgresIsMissing, startPostgresServer } from '@fhir-auth/conformance'
import { FhirAuthError } from '@fhir-auth/core'
import { Client, Pool, types } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrationSql, type PostgresPool, postgresStore } from '../src/index.ts'

const anyPool = new Pool()

const refused = (call: () => unknown) => {
  try {
    call()
  } catch (error) {
    return error instanceof FhirAuthError && error.code === 'invalid_option' ? error.message : undefined
  }
  return undefined
}

describe('what postgresStore takes', () => {
  it.each([undefined, null, 'postgres://127.0.0.1', {}, new Map(), new Client()])(
    'not %s in place of a pool',
    (pool) => {
      expect(refused(() => postgresStore(pool as unknown as PostgresPool))).toMatch(/takes a Pool of "pg" 8: new Pool/)
    },
  )

  it('no unknown option', () => {
    const store = () => postgresStore(anyPool, { tabel: 'a' } as never)
    expect(refused(store)).toMatch(/postgresStore\(\): unknown option "tabel".*schema, table/)
    expect(refused(() => migrationSql({ tabel: 'a' } as never))).toMatch(/migrationSql\(\): unknown option "tabel"/)
    expect(refused(() => postgresStore(anyPool, { table: undefined, schema: undefined }))).toBeUndefined()
  })

  // A name stands in the statement itself: no parameter can carry it.
  const names = [
    '',
    'a b',
    'a"b',
    "a'b",
    'a;b',
    'a.b',
    'a--',
    '1a',
    'é',
    'a\0',
    'a\n',
    '"a"',
    'a'.repeat(64),
    7,
    null,
    {},
  ]
  it.each(names)('no name that could become another statement, or that PostgreSQL would cut off: %j', (name) => {
    for (const option of ['table', 'schema']) {
      const options = { [option]: name }
      expect(refused(() => postgresStore(anyPool, options))).toMatch(new RegExp(`${option} must be a name of letters`))
      expect(refused(() => migrationSql(options))).toMatch(new RegExp(`${option} must be a name of letters`))
    }
  })

  it('no table whose index would have a name that PostgreSQL cuts off', () => {
    expect(refused(() => postgresStore(anyPool, { table: 'a'.repeat(48) }))).toBeUndefined()
    expect(refused(() => postgresStore(anyPool, { table: 'a'.repeat(49) }))).toMatch(/at most 48 characters/)
    expect(refused(() => postgresStore(anyPool, { schema: 'a'.repeat(63) }))).toBeUndefined()
  })
})

describe.skipIf(postgresIsMissing())('an app with settings of its own', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgresServer()
  })
  afterAll(() => server.close())

  it.each([
    ['that registers a parser for text', {}],
    ['that parses each column by itself', { types: { getTypeParser: () => () => 'something else' } }],
    ['that asks for binary results', { binary: true }],
    ['in another time zone', { options: '-c timezone=Pacific/Kiritimati -c datestyle=German' }],
    ['with repeatable read as default', { options: '-c default_transaction_isolation=repeatable\\ read' }],
    ['with standard_conforming_strings off', { options: '-c standard_conforming_strings=off' }],
  ])('%s keeps and finds values as they are', async (what, settings) => {
    const pool = new Pool({ connectionString: server.url, ...settings })
    const parseText = types.getTypeParser(types.builtins.TEXT)
    if (what.endsWith('parser for text')) types.setTypeParser(types.builtins.TEXT, () => 'something else')
    try {
      const store = postgresStore(pool, { table: `t_${crypto.randomUUID().replaceAll('-', '_')}` })
      await store.migrate()
      expect(await store.get('key')).toBeUndefined()
      expect(await store.swap('key', undefined, 'é\\0\0', 60)).toBe(true)
      expect(await store.swap('key', undefined, 'é', 60)).toBe(false)
      expect(await store.get('key')).toBe('é\\0\0')
      expect(await store.swap('key', 'é\\0\0', 'two', 60)).toBe(true)
      expect(await store.swap('key', 'é\\0\0', 'two', 60)).toBe(false)
      expect(await store.delete('key', 'é')).toBe(false)
      expect(await store.delete('key', 'two')).toBe(true)
      expect(await store.delete('key')).toBe(false)
      expect(await store.set('key', 'three', 60)).toBe(true)
    } finally {
      types.setTypeParser(types.builtins.TEXT, parseText)
      await pool.end()
    }
  })
})
