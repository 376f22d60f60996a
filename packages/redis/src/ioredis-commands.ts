import type { IoredisClient } from './redis-client.ts'
import type { RedisCommands } from './redis-commands.ts'
import { bySha1OrText } from './script.ts'

export function ioredisCommands(client: IoredisClient): RedisCommands {
  return {
    get: (key) => client.get(key),
    set: (key, value, ttlMilliseconds) => client.set(key, value, 'PX', ttlMilliseconds),
    setIfAbsent: (key, value, ttlMilliseconds) => client.set(key, value, 'PX', ttlMilliseconds, 'NX'),
    del: (key) => client.del(key),
    runScript: (script, key, ...values) =>
      bySha1OrText(
        () => client.evalsha(script.sha1, 1, key, ...values),
        () => client.eval(script.text, 1, key, ...values),
      ),
  }
}
