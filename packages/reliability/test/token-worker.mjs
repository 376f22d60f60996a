// One process of an app with shared backend tokens. It runs beside the installed packages, does what it is sent, and
// tells what came of it.
import { createBackendServices, loadKeySet } from '@fhir-auth/core'
import { postgresStore } from '@fhir-auth/postgres'
import { redisStore } from '@fhir-auth/redis'
import { Pool } from 'pg'
import { createClient } from 'redis'

const { store: storeName, storeUrl, secret, privateJwk } = JSON.parse(process.env.WORKER_SETTINGS ?? '')
const keys = await loadKeySet(privateJwk)
const store = storeName === 'redis' ? await openRedis() : await openPostgres()

async function openRedis() {
  const client = createClient({ url: storeUrl, disableOfflineQueue: true, socket: { connectTimeout: 2000 } })
  client.on('error', () => {})
  await client.connect()
  return redisStore(client)
}

async function openPostgres() {
  const limits = { connectionTimeoutMillis: 5000, query_timeout: 10_000 }
  const pool = new Pool({ connectionString: storeUrl, ...limits })
  pool.on('error', () => {})
  const store = postgresStore(pool)
  await store.migrate()
  return store
}

/** Asks for a context this many times at once. */
async function call(backend, callers) {
  const results = await Promise.allSettled(Array.from({ length: callers }, async () => backend.context()))
  return results.filter(({ status }) => status === 'fulfilled').map(({ value }) => value.accessToken)
}

let timer
// A backend that knows nothing yet, and its first callers; then as many again and again, where it says so.
process.on('message', async ({ registration, callers, everyMilliseconds }) => {
  clearInterval(timer)
  const sharedTokens = { store, secret }
  const backend = createBackendServices({ ...registration, keys, sharedTokens })
  const seen = new Set()
  const tell = (served) => {
    const fresh = [...new Set(served)].filter((token) => !seen.has(token))
    for (const token of fresh) seen.add(token)
    if (fresh.length > 0) process.send({ type: 'tokens', tokens: fresh })
  }
  const served = await call(backend, callers)
  tell(served)
  process.send({ type: 'served', served: served.length })
  if (everyMilliseconds !== undefined) {
    timer = setInterval(async () => tell(await call(backend, callers)), everyMilliseconds)
  }
})
process.once('disconnect', () => process.exit())
process.send({ type: 'ready' })
