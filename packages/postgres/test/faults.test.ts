import { type PostgresServer, postgresIsMissing, startPostgresServer } from '@fhir-auth/conformance'
import { Client, Pool } from 'pg'
import { beforeAll, describe, expect, it, type TestContext, vi } from 'vitest'
import { type PostgresStore, postgresStore } from '../src/index.ts'
import { recommended } from './pools.ts'
import { openDoor } from './switchable-door.ts'

// The settings that the README recommends, with a shorter wait.
const settings = { ...recommended, query_timeout: 2000 }

describe.skipIf(postgresIsMissing({ mustBeStarted: true }))(
  'where PostgreSQL fails',
  { concurrent: true, timeout: 90_000 },
  () => {
    let server: PostgresServer
    beforeAll(async () => {
      server = await startPostgresServer()
      return () => server.close()
    })

    type Test = Pick<TestContext, 'onTestFinished'>
    const openPool = ({ onTestFinished }: Test, url: string, options = {}) => {
      const pool = new Pool({ connectionString: url, ...options })
      const lost: string[] = []
      pool.on('error', ({ message }) => lost.push(message))
      onTestFinished(() => pool.end())
      return { pool, lost }
    }
    /** A store that the app would have, and the same one without time limits, to prepare and to look. */
    const openStore = async (test: Test, url: string, { at = url } = {}) => {
      const table = `t_${crypto.randomUUID().replaceAll('-', '_')}`
      const patient = postgresStore(openPool(test, url).pool, { table })
      await patient.migrate()
      for (const key of ['kept', 'other']) await patient.set(key, 'before', 60)
      const { pool, lost } = openPool(test, at, settings)
      return { store: postgresStore(pool, { table }), patient, table, pool, lost }
    }
    const ownServer = async ({ onTestFinished }: Test) => {
      const own = await startPostgresServer()
      onTestFinished(() => own.close())
      return own
    }
    const doorTo = async ({ onTestFinished }: Test, port: number) => {
      const door = await openDoor(port)
      onTestFinished(() => door.close())
      return door
    }
    const worksAgain = (store: PostgresStore, expected: string) =>
      vi.waitFor(async () => expect(await store.get('kept')).toBe(expected), 40_000)

    it('killed: calls fail, and what was written is there when it is back', async (test) => {
      const own = await ownServer(test)
      const { store } = await openStore(test, own.url)
      await own.kill()
      await expect(store.get('kept')).rejects.toThrow(Error)
      await expect(store.swap('kept', 'before', 'meanwhile', 60)).rejects.toThrow(Error)
      await own.restart()
      await worksAgain(store, 'before')
      expect(await store.swap('kept', 'before', 'after', 60)).toBe(true)
    })

    it('hanging: each call fails by its time limit, and none holds a connection for ever', async (test) => {
      const own = await ownServer(test)
      const { store, pool } = await openStore(test, own.url)
      own.pause()
      const calls = Array.from({ length: 3 * recommended.max }, () => store.get('kept'))
      const ends = await Promise.allSettled(calls)
      own.resume()
      expect(ends.map(({ status }) => status)).toEqual(calls.map(() => 'rejected'))
      await worksAgain(store, 'before')
      expect(pool.waitingCount).toBe(0)
    })

    it('ending the connections, as an administrator or a failover does: the next call has a new one', async (test) => {
      const { store, table, pool, lost } = await openStore(test, server.url)
      await Promise.all(Array.from({ length: 5 }, () => store.get('kept')))
      const open = pool.totalCount
      expect(open).toBeGreaterThan(1)
      const admin = openPool(test, server.url).pool
      await admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE $1`,
        [`%${table}%`],
      )
      await vi.waitFor(() => expect(pool.totalCount).toBe(0))
      expect(lost).toHaveLength(open)
      expect(await store.get('kept')).toBe('before')
    })

    it('holding a row that somebody else has locked: only calls for that row wait, and they end by their time limit', async (test) => {
      const { store, table } = await openStore(test, server.url)
      const holder = new Client({ connectionString: server.url })
      await holder.connect()
      test.onTestFinished(() => holder.end())
      await holder.query('BEGIN')
      await holder.query(`SELECT FROM ${table} WHERE key = 'kept' FOR UPDATE`)
      const late = Promise.allSettled([store.swap('kept', 'before', 'too late', 60), store.set('kept', 'too late', 60)])
      expect(await store.get('kept')).toBe('before')
      expect(await store.swap('other', 'before', 'after', 60)).toBe(true)
      expect(await late).toEqual([
        { status: 'rejected', reason: expect.objectContaining({ message: expect.stringMatching(/timeout/) }) },
        { status: 'rejected', reason: expect.objectContaining({ message: expect.stringMatching(/timeout/) }) },
      ])
      await holder.query('COMMIT')
      expect(await store.get('kept')).toBe('before')
      expect(await store.swap('kept', 'before', 'after', 60)).toBe(true)
    })

    it('whose answer gets lost: the call fails, also where it was carried out, and is never a plain no', async (test) => {
      const door = await doorTo(test, server.port)
      const { store, patient } = await openStore(test, server.url, { at: throughDoor(server.url, door.port) })
      await worksAgain(store, 'before')
      door.loseAnswers(true)
      const swap = store.swap('kept', 'before', 'after', 60)
      await Promise.all([expect(swap).rejects.toThrow(Error), worksAgain(patient, 'after')])
      door.loseAnswers(false)
      await worksAgain(store, 'after')
    })

    it('over to a standby: nothing that was answered is lost, and the pool finds the new primary', async (test) => {
      const primary = await ownServer(test)
      const door = await doorTo(test, primary.port)
      const { store } = await openStore(test, primary.url, { at: throughDoor(primary.url, door.port) })
      const standby = await primary.startStandby()
      const admin = openPool(test, primary.url).pool
      await admin.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
      await admin.query('SELECT pg_reload_conf()')
      const isSynchronous = async () => {
        const { rows } = await admin.query('SELECT sync_state FROM pg_stat_replication')
        expect(rows).toEqual([{ sync_state: 'sync' }])
      }
      await vi.waitFor(isSynchronous, 40_000)

      let isOver = false
      const answered: string[] = []
      const writer = async (number: number) => {
        for (let i = 0; !isOver; i++) {
          const key = `${number}-${i}`
          await store.swap(key, undefined, 'written', 60).then(
            () => answered.push(key),
            () => new Promise((resolve) => setTimeout(resolve, 50)),
          )
        }
      }
      const writers = Promise.all([1, 2, 3].map(writer))
      const atLeast = (count: number) => vi.waitFor(() => expect(answered.length).toBeGreaterThan(count), 40_000)
      await atLeast(30)
      await primary.kill()
      standby.promote()
      door.leadTo(standby.port)
      door.cut()
      await atLeast(answered.length + 30)
      isOver = true
      await writers
      const found = await Promise.all(answered.map((key) => store.get(key)))
      expect(answered.filter((_, index) => found[index] !== 'written')).toEqual([])
      // The standby is a copy of its own: asked directly, it has the same.
      expect(await openPool(test, standby.url).pool.query('SELECT pg_is_in_recovery() AS is')).toMatchObject({
        rows: [{ is: false }],
      })
    })
  },
)

function throughDoor(url: string, port: number): string {
  const through = new URL(url)
  through.port = String(port)
  return through.href
}
