import { type PostgresServer, postgresIsMissing, startPostgresServer } from '@fhir-auth/conformance'
import { FhirAuthError } from '@fhir-auth/core'
import { Client, Pool } from 'pg'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type PostgresStore, postgresStore } from '../src/index.ts'

describe.skipIf(postgresIsMissing())('what has expired', () => {
  let server: PostgresServer
  let pool: Pool
  let table: string
  let store: PostgresStore
  beforeAll(async () => {
    server = await startPostgresServer()
    pool = new Pool({ connectionString: server.url })
    return async () => {
      await pool.end()
      await server.close()
    }
  })
  beforeEach(async () => {
    table = `t_${crypto.randomUUID().replaceAll('-', '_')}`
    store = postgresStore(pool, { table })
    await store.migrate()
    return async () => void (await pool.query(`DROP TABLE ${table}`))
  })
  const openClient = async () => {
    const client = new Client({ connectionString: server.url })
    await client.connect()
    onTestFinished(() => client.end())
    return client
  }
  const fill = (count: number, secondsLeft: number) =>
    pool.query(
      `INSERT INTO ${table} SELECT $3 || number, 'value', now() + $2 * interval '1 second' FROM generate_series(1, $1) AS number`,
      [count, secondsLeft, `${secondsLeft} s, `],
    )
  const keys = async () => (await pool.query(`SELECT key FROM ${table}`)).rows.map(({ key }) => key)

  it('is never served, whether a job has deleted it or not', async () => {
    await fill(1, -1)
    expect(await store.get('-1 s, 1')).toBeUndefined()
    expect(await store.swap('-1 s, 1', 'value', 'new', 60)).toBe(false)
    expect(await store.delete('-1 s, 1', 'value')).toBe(false)
    expect(await store.delete('-1 s, 1')).toBe(false)
    expect(await keys()).toEqual(['-1 s, 1'])
    expect(await store.swap('-1 s, 1', undefined, 'new', 60)).toBe(true)
    expect(await store.get('-1 s, 1')).toBe('new')
  })

  it('while a statement waited for another one that writes the row, counts as expired when the wait is over', async () => {
    const holder = await openClient()
    await store.set('other', 'value', 2)
    await store.set('key', 'value', 2)
    await holder.query('BEGIN')
    await holder.query(`UPDATE ${table} SET value = value`)
    const swap = store.swap('key', 'value', 'too late', 60)
    const remove = store.delete('other', 'value')
    const areBothWaiting = async () => {
      const waiting = await pool.query(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1`,
        [`%${table}%`],
      )
      expect(waiting.rowCount).toBe(2)
    }
    await vi.waitFor(areBothWaiting, 10_000)
    expect(await store.get('key')).toBe('value')
    await vi.waitFor(async () => expect(await store.get('key')).toBeUndefined(), 10_000)
    await holder.query('COMMIT')
    expect(await swap).toBe(false)
    expect(await remove).toBe(false)
  })

  it('is deleted by the job, a batch at a time, and nothing else is', async () => {
    await fill(250, -1)
    await fill(20, 60)
    const statements: number[] = []
    const counting = { totalCount: 1, query: counted(pool, statements) }
    expect(await postgresStore(counting, { table }).deleteExpired({ batchSize: 100 })).toBe(250)
    expect(statements).toEqual([100, 100, 50])
    expect(await keys()).toHaveLength(20)
    expect(await store.deleteExpired()).toBe(0)
  })

  it('is deleted once by several jobs at the same time, none of which waits for another', async () => {
    await fill(2000, -1)
    const jobs = Array.from({ length: 5 }, () => store.deleteExpired({ batchSize: 50 }))
    const deleted = await Promise.all(jobs)
    expect(deleted.reduce((sum, count) => sum + count, 0) + (await store.deleteExpired())).toBe(2000)
    expect(await keys()).toEqual([])
  })

  it('and held by somebody is left for the next time', async () => {
    await fill(3, -1)
    const holder = await openClient()
    await holder.query('BEGIN')
    await holder.query(`SELECT FROM ${table} WHERE key = '-1 s, 2' FOR UPDATE`)
    expect(await store.deleteExpired()).toBe(2)
    await holder.query('COMMIT')
    expect(await store.deleteExpired()).toBe(1)
  })

  it('and taken again at the same moment stays', async () => {
    for (let round = 0; round < 20; round++) {
      await fill(20, -1)
      const names = Array.from({ length: 20 }, (_, number) => `-1 s, ${number + 1}`)
      const [claims] = await Promise.all([
        Promise.all(names.map((name) => store.swap(name, undefined, 'mine', 60))),
        store.deleteExpired({ batchSize: 3 }),
      ])
      expect(claims).toEqual(names.map(() => true))
      expect(await Promise.all(names.map((name) => store.get(name)))).toEqual(names.map(() => 'mine'))
      await pool.query(`DELETE FROM ${table}`)
    }
  })

  it('is left where a signal ends the job', async () => {
    await fill(250, -1)
    const stop = new AbortController()
    const statements: number[] = []
    const query = counted(pool, statements, () => stop.abort())
    const stopping = postgresStore({ totalCount: 1, query }, { table })
    expect(await stopping.deleteExpired({ batchSize: 100, signal: stop.signal })).toBe(100)
    expect(statements).toEqual([100])
    expect(await store.deleteExpired({ signal: AbortSignal.abort() })).toBe(0)
  })

  it.each([0, -1, 1.5, Number.NaN, '10'])('needs batches that end: not of %s rows', async (batchSize) => {
    await expect(store.deleteExpired({ batchSize: batchSize as number })).rejects.toBeInstanceOf(FhirAuthError)
  })
})

/** The pool's `query`, which notes how many rows each statement has changed. */
function counted(pool: Pool, counts: number[], then = () => {}): Parameters<typeof postgresStore>[0]['query'] {
  return async (query) => {
    const result = await pool.query(query)
    counts.push(result.rowCount ?? 0)
    then()
    return result
  }
}
