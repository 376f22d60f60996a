import { memoryStore } from '@fhir-auth/core'
import { redisStore } from '@fhir-auth/redis'
import { createClient } from 'redis'
import { inBatches } from '../support/batches.ts'
import { createLaunch, logIn, request } from '../support/fhir-login.ts'

// Says what one request takes with sessions in Redis, beside a bare GET of the same session, not sealed, and its parsing.
const [port, rounds, timeLimit] = process.argv.slice(2)
const SESSIONS = 1000
const commandOptions = timeLimit === 'without' ? { timeout: 0 } : {}
const client = createClient({ url: `redis://127.0.0.1:${port}`, commandOptions })
await client.connect()

const secret = crypto.randomUUID() + crypto.randomUUID()
const store = redisStore(client)
const launch = createLaunch({ store, secret })
const cookies: string[] = []
for (let i = 0; i < SESSIONS; i++) cookies.push(await logIn(launch))
const inMemory = memoryStore()
const [, id = ''] = (await logIn(createLaunch({ store: inMemory }))).split('=')
const plain = JSON.stringify(inMemory.get(id))
for (let i = 0; i < SESSIONS; i++) await client.set(`plain:${i}`, plain)

const requests = cookies.map((cookie) => request('/vitals', cookie))
let at = 0
const next = () => {
  at = at + 1 === SESSIONS ? 0 : at + 1
  return at
}
const calls = {
  bare: async () => JSON.parse((await client.get(`plain:${next()}`)) ?? ''),
  ours: async () => {
    const context = await launch.contextFor(requests[next()] as (typeof requests)[number]) // never out of bounds
    if (!context) throw new Error('The session is gone.')
  },
}
const many = await inBatches(calls, Number(rounds), { batch: 6000, inFlight: 64 })
const alone = await inBatches(calls, Number(rounds), { batch: 1000 })

// Every command that one request costs.
for (const asked of requests) await launch.contextFor(asked)
const before = await commands()
for (const asked of requests) await launch.contextFor(asked)
const roundTrips = ((await commands()) - before - 1) / SESSIONS

// A process of its own, with the same store: it ends a session, and the first process is asked again at once.
const elsewhere = createLaunch({ store, secret })
const [cookie = ''] = cookies
const known = await launch.contextFor(request('/vitals', cookie))
const origin = 'https://portal.example.org'
const logout = (name: string) => ({ cookie, origin })[name]
await elsewhere.answer({ method: 'POST', url: '/logout', header: logout })
const isSeenAtOnce = known !== undefined && (await launch.contextFor(request('/vitals', cookie))) === undefined

const lengths = await Promise.all((await client.keys('*')).map((key) => client.strLen(key)))
process.send?.({
  ...{ many, alone, roundTrips, isSeenAtOnce },
  plainLength: plain.length,
  // The longest: beside the sessions, logins have left their marks.
  sealedLength: Math.max(...lengths),
})

async function commands(): Promise<number> {
  const info = await client.info('stats')
  return Number(/total_commands_processed:(\d+)/.exec(info)?.[1])
}
