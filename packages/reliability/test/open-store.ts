import type { Store } from '@fhir-auth/core'
import { postgresStore } from '@fhir-auth/postgres'
import { redisStore } from '@fhir-auth/redis'
import { Pool } from 'pg'
import { createClient } from 'redis'

export type StoreName = 'redis' | 'postgres'

/** The store as each process of the app opens it, with the settings that its README recommends. */
export async function openStore(name: StoreName, url: string): Promise<Store> {
  return name === 'redis' ? openRedis(url) : openPostgres(url)
}

async function openRedis(url: string): Promise<Store> {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    commandOptions: { timeout: 0 },
    commandsQueueMaxLength: 10_000,
    socket: { connectTimeout: 2000 },
  })
  client.on('error', () => {})
  await client.connect()
  return redisStore(client)
}

async function openPostgres(url: string): Promise<Store> {
  const pool = new Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 5000,
    statement_timeout: 2000,
    query_timeout: 10_000,
    keepAlive: true,
  })
  pool.on('error', () => {})
  const store = postgresStore(pool)
  await store.migrate()
  // More often than an app would, so that it meets what it could disturb.
  setInterval(() => store.deleteExpired({ batchSize: 10 }).catch(() => {}), 500).unref()
  return store
}
