import {
  describeSessionStore,
  type PgBouncer,
  type PostgresServer,
  pgBouncerIsMissing,
  postgresIsMissing,
  startPgBouncer,
  startPostgresServer,
} from '@fhir-auth/conformance'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresStore } from '../src/index.ts'
import { type Opened, opened, pools, recommended } from './pools.ts'

describe.skipIf(postgresIsMissing())('one PostgreSQL', { concurrent: true }, () => {
  let server: PostgresServer
  let admin: Pool
  const toEnd: (() => Promise<void>)[] = []
  const tables = new Set<string>()
  beforeAll(async () => {
    server = await startPostgresServer()
    admin = new Pool({ connectionString: server.url })
  })
  afterAll(async () => {
    for (const end of toEnd) await end()
    // The server may be a shared one.
    for (const table of tables) await admin.query(`DROP TABLE "${table}"`)
    await admin.end()
    await server.close()
  })

  const openStore = async ({ pool, end }: Opened, namespace: string) => {
    const table = namespace.replaceAll(/[^a-z0-9]/g, '_').slice(0, 48)
    tables.add(table)
    toEnd.push(end)
    const store = postgresStore(pool, { table })
    await store.migrate()
    return store
  }

  describe.skipIf(pgBouncerIsMissing())('behind PgBouncer', () => {
    let pgBouncer: PgBouncer
    beforeAll(async () => {
      pgBouncer = await startPgBouncer(server)
      return () => pgBouncer.close()
    })
    describeSessionStore('with a connection for each transaction', (namespace) => {
      // PgBouncer refuses settings of a connection that it does not know.
      const { statement_timeout, ...settings } = recommended
      return openStore(opened(new Pool({ connectionString: pgBouncer.url, ...settings })), namespace)
    })
  })

  for (const [name, open] of Object.entries(pools)) {
    describeSessionStore(name, (namespace) => openStore(open(server.url), namespace))

    it(`${name}: each row has its end, by the database’s clock`, async () => {
      const namespace = `ends_${crypto.randomUUID()}`
      const store = await openStore(open(server.url), namespace)
      await store.set('set', 'a', 60)
      await store.swap('claimed', undefined, 'a', 60)
      await store.set('swapped', 'a', 1)
      await store.swap('swapped', 'a', 'b', 60.5)
      const [table] = [...tables].filter((table) => table.startsWith(namespace.replaceAll('-', '_').slice(0, 40)))
      const left = await admin.query(
        `SELECT key, extract(epoch FROM expires_at - now())::float AS seconds FROM "${table}"`,
      )
      expect(left.rows).toHaveLength(3)
      for (const { seconds } of left.rows) {
        expect(seconds).toBeGreaterThan(50)
        expect(seconds).toBeLessThanOrEqual(60.5)
      }
    })
  }
})
