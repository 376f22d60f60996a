import { redisStore } from '@fhir-auth/redis'
import { createClient } from 'redis'
import type { Environment } from './environment.ts'
import type { OpenStore } from './memory-store.ts'

/** Connects to Redis. With these options a call fails quickly while Redis is down, instead of waiting for it. */
export async function openRedisStore(env: Environment): Promise<OpenStore> {
  if (!env.REDIS_URL) throw new Error('REDIS_URL is not set. Write it into .env: .env.example shows how.')
  const client = createClient({
    url: env.REDIS_URL,
    disableOfflineQueue: true,
    commandsQueueMaxLength: 10_000,
    commandOptions: { timeout: 0 },
    socket: { connectTimeout: 2000 },
  })
  client.on('error', (error: Error) => console.error('Redis:', error.message))
  await client.connect()
  return { store: redisStore(client), close: () => client.close() }
}
