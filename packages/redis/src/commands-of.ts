import { FhirAuthError } from '@fhir-auth/core'
import { ioredisCommands } from './ioredis-commands.ts'
import { nodeRedisCommands } from './node-redis-commands.ts'
import type { IoredisClient, NodeRedisClient, RedisClient } from './redis-client.ts'
import type { RedisCommands } from './redis-commands.ts'

/**
 * The commands of a client. The spelling of one method tells which library it comes from.
 *
 * @throws `invalid_option` for a client of another library
 */
export function commandsOf(client: RedisClient): RedisCommands {
  if (hasMethod(client, 'evalSha')) return nodeRedisCommands(client as NodeRedisClient) // by its spelling
  if (hasMethod(client, 'evalsha')) return ioredisCommands(client as IoredisClient) // by its spelling
  throw new FhirAuthError(
    'invalid_option',
    'redisStore(client) takes a client: createClient(…) of "redis" 5 or 6, or new Redis(…) of "ioredis" 5 or 6.',
  )
}

function hasMethod(client: unknown, name: string): boolean {
  if (typeof client !== 'object' || client === null) return false
  return typeof (client as Record<string, unknown>)[name] === 'function' // any object can have any member
}
