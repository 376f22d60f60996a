import { FhirAuthError } from '@fhir-auth/core'
import { commandsOf } from './commands-of.ts'
import type { RedisClient } from './redis-client.ts'
import { deleteScript, swapScript } from './script.ts'
import type { SessionStore } from './session-store.ts'
import { withTimeLimit } from './time-limit.ts'

export interface RedisStoreOptions {
  /** Begins every key. Default `fhir-auth:`. Apps that share a Redis need one each. */
  prefix?: string | undefined
  /** How long one command may take, waiting for a connection included. Default 5. */
  timeoutSeconds?: number | undefined
}

const DEFAULT_TIMEOUT_SECONDS = 5

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
 * @throws `invalid_option` for a client of another library, an unknown option, or a value that cannot work
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): SessionStore {
  const { prefix, timeoutSeconds } = checkOptions(options)
  const commands = commandsOf(client)
  const limited = <T>(command: string, answer: Promise<T>) => withTimeLimit(command, timeoutSeconds, answer)
  return {
    async get(key) {
      return textOf(await limited('GET', commands.get(prefix + key)))
    },
    async set(key, value, ttlSeconds) {
      await limited('SET', commands.set(prefix + key, value, milliseconds(ttlSeconds)))
    },
    async swap(key, expected, value, ttlSeconds) {
      const ttl = milliseconds(ttlSeconds)
      if (expected === undefined) {
        return (await limited('SET NX', commands.setIfAbsent(prefix + key, value, ttl))) !== null
      }
      return isOne(await limited('EVALSHA', commands.runScript(swapScript, prefix + key, expected, value, String(ttl))))
    },
    async delete(key, expected) {
      if (expected === undefined) return isOne(await limited('DEL', commands.del(prefix + key)))
      return isOne(await limited('EVALSHA', commands.runScript(deleteScript, prefix + key, expected)))
    },
  }
}

function checkOptions(options: RedisStoreOptions): { prefix: string; timeoutSeconds: number } {
  const { prefix = 'fhir-auth:', timeoutSeconds = DEFAULT_TIMEOUT_SECONDS, ...unknown } = options
  for (const name of Object.keys(unknown)) {
    refuse(`redisStore(): unknown option "${name}". Known options: prefix, timeoutSeconds.`)
  }
  if (typeof prefix !== 'string') refuse('redisStore({ prefix }) must be text.')
  // In a Cluster, only what stands between braces decides on which node a key lies.
  if (/[{}]/.test(prefix)) refuse('redisStore({ prefix }) must have no braces: all keys would lie on one node.')
  if (typeof timeoutSeconds !== 'number' || !(timeoutSeconds > 0 && timeoutSeconds <= MAX_TIMEOUT_SECONDS)) {
    refuse('redisStore({ timeoutSeconds }) must be a positive number, at most 3600.')
  }
  return { prefix, timeoutSeconds }
}

const MAX_TIMEOUT_SECONDS = 3600

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
