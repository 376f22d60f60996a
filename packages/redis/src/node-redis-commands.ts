import type { NodeRedisClient } from './redis-client.ts'
import type { RedisCommands } from './redis-commands.ts'
import { bySha1OrText } from './script.ts'

export function nodeRedisCommands(client: NodeRedisClient): RedisCommands {
  const expiration = (value: number) => ({ type: 'PX', value }) as const
  return {
    get: (key) => client.get(key),
    set: (key, value, ttlMilliseconds) => client.set(key, value, { expiration: expiration(ttlMilliseconds) }),
    setIfAbsent: (key, value, ttlMilliseconds) =>
      client.set(key, value, { expiration: expiration(ttlMilliseconds), condition: 'NX' }),
    del: (key) => client.del(key),
    runScript: (script, key, ...values) => {
      const parameters = { keys: [key], arguments: values }
      return bySha1OrText(
        () => client.evalSha(script.sha1, parameters),
        () => client.eval(script.text, parameters),
      )
    },
  }
}
