import { FhirAuthError, type Store } from '@fhir-auth/core'
import { commandsOf } from './commands-of.ts'
import type { RedisClient } from './redis-client.ts'
import { deleteScript, swapScript } from './script.ts'

export interface RedisStoreOptions {
  /** The start of every key. Default `fhir-auth:`. Apps that share a Redis need one each. */
  prefix?: string | undefined
}

/**
 * Keeps sessions, locks and backend tokens in Redis or Valkey. The app makes, connects and closes the client. Every command
 * names one key, so it works on a Cluster. Errors of the client are passed on.
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
 * @throws `invalid_option` for a client of another library, an unknown option, or a wrong prefix
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
  if (typeof prefix !== 'string') refuse('redisStore({ prefix }) must be a string.')
  // In a Cluster, only the part of a key between braces decides on which node it is.
  if (/[{}]/.test(prefix)) {
    refuse('redisStore({ prefix }) must have no braces: all keys would be on one node of a Cluster.')
  }
  return prefix
}

function refuse(message: string): never {
  throw new FhirAuthError('invalid_option', message)
}

function milliseconds(ttlSeconds: number): number {
  return Math.ceil(ttlSeconds * 1000)
}

/** A client may be configured to return bytes instead of text. */
function textOf(reply: unknown): string | undefined {
  if (typeof reply === 'string') return reply
  return reply instanceof Uint8Array ? new TextDecoder().decode(reply) : undefined
}

/** A client may be configured to return text instead of numbers. */
function isOne(reply: unknown): boolean {
  return Number(reply) === 1
}
