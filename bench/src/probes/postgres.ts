import { memoryStore } from '@fhir-auth/core'
import { type PostgresPool, postgresStore } from '@fhir-auth/postgres'
import { redisStore } from '@fhir-auth/redis'
import connectPgSimple from 'connect-pg-simple'
import session, { type SessionData } from 'express-session'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { inBatches } from '../support/batches.ts'
import { createLaunch, logIn, request } from '../support/fhir-login.ts'

// Says what one request takes with sessions in PostgreSQL, beside a bare SELECT of the same session, beside another
// package's store, and beside Redis where its port is given.
const [url = '', rounds, redisPort] = process.argv.slice(2)
const SESSIONS = 1000
const pool = new Pool({ connectionString: url, max: 10, statement_timeout: 2000, query_timeout: 10_000 })
const secret = crypto.randomUUID() + crypto.randomUUID()

let statements = 0
const counted: PostgresPool = {
  totalCount: 0,
  query(query) {
    statements++
    return pool.query(query)
  },
}
const store = postgresStore(pool)
await store.migrate()
const launch = createLaunch({ store, secret })
const cookies: string[] = []
for (let i = 0; i < SESSIONS; i++) cookies.push(await logIn(launch))
const inMemory = memoryStore()
const [, id = ''] = (await logIn(createLaunch({ store: inMemory }))).split('=')
const content = inMemory.get(id)
await pool.query('CREATE TABLE plain (key text COLLATE "C" PRIMARY KEY, value text NOT NULL)')
const Peer = connectPgSimple(session)
const peer = new Peer({ pool, createTableIfMissing: true, pruneSessionInterval: false })
// As its users have it: a session with its cookie.
const peerSession = { ...content, cookie: { originalMaxAge: 3_600_000 } } as unknown as SessionData
const setPeer = (sid: string) =>
  new Promise<void>((resolve, reject) => peer.set(sid, peerSession, (error) => (error ? reject(error) : resolve())))
const getPeer = (sid: string) =>
  new Promise((resolve, reject) => peer.get(sid, (error, found) => (error || !found ? reject(error) : resolve(found))))
const plain = JSON.stringify(content)
for (let i = 0; i < SESSIONS; i++) {
  await pool.query('INSERT INTO plain VALUES ($1, $2)', [`plain:${i}`, plain])
  await setPeer(`peer:${i}`)
}
await pool.query('ANALYZE')

let at = 0
const next = () => {
  at = at + 1 === SESSIONS ? 0 : at + 1
  return at
}
const requests = cookies.map((cookie) => request('/vitals', cookie))
const asked = () => requests[next()] as (typeof requests)[number] // never out of bounds
const reads = {
  bare: async () => {
    const { rows } = await pool.query('SELECT value FROM plain WHERE key = $1', [`plain:${next()}`])
    JSON.parse(rows[0].value)
  },
  peer: () => getPeer(`peer:${next()}`),
  ours: async () => {
    if (!(await launch.contextFor(asked()))) throw new Error('The session is gone.')
  },
  redis: await redisReads(),
}
const many = await inBatches(reads, Number(rounds), { batch: 2000, inFlight: 64 })
const alone = await inBatches(reads, Number(rounds), { batch: 500 })

const sealed = (await pool.query('SELECT value FROM fhir_auth ORDER BY length(value) DESC LIMIT 1')).rows[0].value
await store.set('swapped', sealed, 3600)
const writes = {
  peer: () => setPeer(`peer:${next()}`),
  set: () => store.set(`written:${next()}`, sealed, 3600),
  swap: async () => {
    if (!(await store.swap('swapped', sealed, sealed, 3600))) throw new Error('Nothing was swapped.')
  },
}
const writing = await inBatches(writes, Number(rounds), { batch: 200 })

// Every statement that one request costs.
const watched = createLaunch({ store: postgresStore(counted), secret })
for (const one of requests) await watched.contextFor(one)
statements = 0
for (const one of requests) await watched.contextFor(one)
const roundTrips = statements / SESSIONS

// A process of its own, with the same store: it ends a session, and the first process is asked again at once.
const elsewhere = createLaunch({ store, secret })
const [cookie = ''] = cookies
const known = await launch.contextFor(request('/vitals', cookie))
const header = (name: string) => ({ cookie, origin: 'https://portal.example.org' })[name]
await elsewhere.answer({ method: 'POST', url: '/logout', header })
const isSeenAtOnce = known !== undefined && (await launch.contextFor(request('/vitals', cookie))) === undefined

process.send?.({
  ...{ many, alone, writing, roundTrips, isSeenAtOnce },
  plainLength: plain.length,
  sealedLength: sealed.length,
})

/** The same of ours with Redis; nothing, where there is none. */
async function redisReads(): Promise<() => Promise<void>> {
  if (!redisPort) return async () => {}
  const client = createClient({ url: `redis://127.0.0.1:${redisPort}`, commandOptions: { timeout: 0 } })
  await client.connect()
  const onRedis = createLaunch({ store: redisStore(client), secret })
  const loggedIn: string[] = []
  for (let i = 0; i < SESSIONS; i++) loggedIn.push(await logIn(onRedis))
  const redisRequests = loggedIn.map((one) => request('/vitals', one))
  return async () => {
    const one = redisRequests[next()] as (typeof requests)[number] // never out of bounds
    if (!(await onRedis.contextFor(one))) throw new Error('The session is gone.')
  }
}
