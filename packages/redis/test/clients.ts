import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { createClient, createClientPool } from 'redis'
import { createClient as createClient5 } from 'redis5'
import type { RedisClient } from '../src/redis-client.ts'

interface Opened {
  client: RedisClient
  close(): unknown
}

/** Each client library and version that the package supports, with the options that the README recommends. */
export const clients: Record<string, (url: string) => Promise<Opened>> = {
  'redis 6': async (url) => {
    const client = createClient({ url, ...nodeRedisOptions })
    client.on('error', () => {})
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  'redis 6, a pool': async (url) => {
    const client = createClientPool({ url, ...nodeRedisOptions }, { minimum: 2, maximum: 4 })
    client.on('error', () => {})
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  'redis 5': async (url) => {
    const client = createClient5({ url, ...nodeRedisOptions })
    client.on('error', () => {})
    await client.connect()
    return { client, close: () => client.destroy() }
  },
  'ioredis 6': async (url) => {
    const client = new Redis(url, ioredisOptions)
    client.on('error', () => {})
    await client.connect()
    return { client, close: () => client.disconnect() }
  },
  'ioredis 5': async (url) => {
    const client = new Redis5(url, ioredisOptions)
    client.on('error', () => {})
    await client.connect()
    return { client, close: () => client.disconnect() }
  },
}

const nodeRedisOptions = {
  disableOfflineQueue: true,
  commandOptions: { timeout: 0 },
  commandsQueueMaxLength: 10_000,
  socket: { connectTimeout: 2000 },
}

const ioredisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 1,
  connectTimeout: 2000,
  commandTimeout: 2000,
  socketTimeout: 5000,
}
