import { FhirAuthError, type Store } from '@fhir-auth/core'
import { commandsOf } from './commands-of.ts'
import type { RedisClient } from './redis-client.ts'
import { deleteScript, swapScript } from './script.ts'

export interface RedisStoreOptions {
  /** Begins every key. Default `fhir-auth:`. Apps that share a Redis need one each. */
  prefix?: string | undefined
}

/**
 * Sessions, locks and backend tokens in Redis or Valkey, on a client that the app makes, connects and closes. Every
 * command names one key, so a Cluster spreads them over its nodes. What the client throws passes through.
 *
 * @example
 * ```ts
 * import { redisStore } from '@fhir-auth/redis'
 * import { createClient } from 'redis'
 *
 * const client = createClient({ url: 'redis://redis.internal:6379', disableOfflineQueue: true })
 * client.on('error', (error) => console.error('Redis:', error.message))
 * await client.connect()
 * const store = redisStore(client)
 * ```
 *
 * @throws `invalid_option` for a client of another library, an unknown option, or a prefix that cannot work
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): Store {
  const prefix = checkPrefix(options)
  const commands = commandsOf(client)
  return {
    async get(key) {
      return textOf(await commands.get(prefix + key))
    },
    set(key, value, ttlSeconds) {
      return commands.set(prefix + key, value, milliseconds(ttlSeconds))
    },
    async swap(key, expected, value, ttlSeconds) {
      const ttl = milliseconds(ttlSeconds)
      if (expected === undefined) return (await commands.setIfAbsent(prefix + key, value, ttl)) !== null
      return isOne(await commands.runScript(swapScript, prefix + key, expected, value, String(ttl)))
    },
    async delete(key, expected) {
      if (expected === undefined) return isOne(await commands.del(prefix + key))
      return isOne(await commands.runScript(deleteScript, prefix + key, expected))
    },
  }
}

function checkPrefix(options: RedisStoreOptions): string {
  const { prefix = 'fhir-auth:', ...unknown } = options
  for (const name of Object.keys(unknown)) refuse(`redisStore(): unknown option "${name}". Known options: prefix.`)
  if (typeof prefix !== 'string') refuse('redisStore({ prefix }) must be text.')
  // In a Cluster, only what stands between braces decides on which node a key lies.
  if (/[{}]/.test(prefix)) refuse('redisStore({ prefix }) must have no braces: all keys would lie on one node.')
  return prefix
}

function refuse(message: string): never {
  throw new FhirAuthError('invalid_option', message)
}

function milliseconds(ttlSeconds: number): number {
  return Math.ceil(ttlSeconds * 1000)
}

/** A client may be set to answer bytes instead of text, and text instead of numbers. */
function textOf(reply: unknown): string | undefined {
  if (typeof reply === 'string') return reply
  return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : undefined
}

function isOne(reply: unknown): boolean {
  return Number(reply) === 1
}
