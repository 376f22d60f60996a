// What sessions cost in the memory of Redis. Starts a private redis-server and fills it.
//
//   node packages/redis/bench/session-memory.mjs [sessions…]     default: 10000 100000

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'

const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10_000, 100_000]
/** Characters of a sealed session; docs/scaling.md says which session has how many. */
const valueLengths = [1500, 3000, 6000]
const BATCH = 1000

const folder = mkdtempSync(join(tmpdir(), 'fhir-auth-memory-'))
const port = await freePort()
const server = spawn('redis-server', ['--port', String(port), '--save', '', '--dir', folder], { stdio: 'ignore' })
const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: 100 } })
client.on('error', () => {})

try {
  await client.connect()
  const info = await client.info('server')
  console.log(
    `Redis ${info.match(/redis_version:(\S+)/)?.[1]}, ${info.match(/mem_allocator:(\S+)/)?.[1] ?? (await client.info('memory')).match(/mem_allocator:(\S+)/)?.[1]}, Node ${process.version}, ${cpus()[0]?.model}`,
  )
  console.log('characters | sessions  | MEMORY USAGE of one | used_memory of all | of each | per million')
  for (const length of valueLengths) for (const count of counts) console.log(await measure(count, length))
} finally {
  client.destroy()
  server.kill()
  rmSync(folder, { recursive: true, force: true })
}

/**
 * @param {number} count
 * @param {number} length
 */
async function measure(count, length) {
  await client.flushAll()
  const before = await usedMemory()
  let key = ''
  for (let filled = 0; filled < count; filled += BATCH) {
    const writes = Array.from({ length: Math.min(BATCH, count - filled) }, () => {
      key = `fhir-auth:${randomBytes(32).toString('base64url')}`
      const value = randomBytes(length).toString('base64url').slice(0, length)
      return client.set(key, value, { expiration: { type: 'PX', value: 8 * 3600 * 1000 } })
    })
    await Promise.all(writes)
  }
  const all = (await usedMemory()) - before
  const one = await client.memoryUsage(key)
  return [
    String(length).padStart(10),
    count.toLocaleString('en').padStart(9),
    `${one} bytes`.padStart(19),
    `${(all / 1e6).toFixed(1)} MB`.padStart(18),
    `${Math.round(all / count)} bytes`.padStart(10),
    `${(all / count / 1000).toFixed(2)} GB`.padStart(8),
  ].join(' | ')
}

async function usedMemory() {
  return Number((await client.info('memory')).match(/used_memory:(\d+)/)?.[1])
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0))
    })
  })
}
