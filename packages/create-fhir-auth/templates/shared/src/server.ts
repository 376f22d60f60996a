import { existsSync } from 'node:fs'
// #if memory
import { openMemoryStore } from './memory-store.ts'
// #end
// #if postgres
import { openPostgresStore } from './postgres-store.ts'
// #end
// #if redis
import { openRedisStore } from './redis-store.ts'
// #end
import { start } from './start.ts'

// What the environment says already wins over the file.
if (existsSync('.env')) process.loadEnvFile()

// #if memory
const app = await start(process.env, openMemoryStore())
// #end
// #if postgres
const app = await start(process.env, await openPostgresStore(process.env))
// #end
// #if redis
const app = await start(process.env, await openRedisStore(process.env))
// #end
console.log(`The app listens on ${app.host}, port ${app.port}.`)

// A refresh that is cut off may lose its session, so let it finish.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await app.close()
  })
}
