import type { ChildProcess } from 'node:child_process'
import { endProgram, folderOnPath, freePort, hasEnded, ownFolder, startProgram } from './server-program.ts'

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Where the other nodes of its Cluster reach it. */
  readonly clusterPort: number | undefined
  /** Its process id, which changes with each restart. */
  readonly pid: number
  /** Freezes it: connections stay open, and nothing answers. */
  pause(): void
  resume(): void
  /** Ends it without a chance to save anything. */
  kill(): Promise<void>
  /** Starts it again on the same port and folder; ends it first if it runs. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface RedisServerOptions {
  /** Keeps an append-only file, so that data survives a restart. */
  appendOnly?: boolean | undefined
  /** A node for a Redis Cluster, with no slots and no other node. */
  clusterNode?: boolean | undefined
}

/** The server program, if there is one: `REDIS_SERVER`, else `redis-server` or `valkey-server` on the PATH. */
export const redisProgram: string | undefined =
  process.env.REDIS_SERVER ?? ['redis-server', 'valkey-server'].find(folderOnPath)

let isReported = false

/**
 * For `describe.skipIf(redisIsMissing())`: no server program, and no `REDIS_URL` of a server that runs. With
 * `mustBeStarted`, for tests that pause or kill it, the program alone counts.
 *
 * @throws where a server is missing and `FHIR_AUTH_TEST_ALL` says that nothing may be skipped
 */
export function redisIsMissing({ mustBeStarted = false } = {}): boolean {
  if (redisProgram !== undefined || (!mustBeStarted && process.env.REDIS_URL !== undefined)) return false
  const line = `Skipped: no redis-server found. Install it, or set REDIS_SERVER to its path${mustBeStarted ? '' : ' or REDIS_URL to a running one'}.`
  if (process.env.FHIR_AUTH_TEST_ALL) throw new Error(line)
  if (!isReported) console.warn(line)
  isReported = true
  return true
}

/**
 * A private Redis on a free port of 127.0.0.1, in a folder of its own, which ends with this process at the latest.
 * Without a server program it is the shared one at `REDIS_URL`, which can be neither paused nor killed.
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const program = redisProgram
  if (program === undefined) return sharedServer()
  const { folder, remove } = ownFolder('fhir-auth-redis-')
  let running: ChildProcess | undefined
  const port = await freePort()
  const clusterPort = options.clusterNode ? await freePort() : undefined
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: options.appendOnly ? 'yes' : 'no',
    ...(clusterPort !== undefined && {
      'cluster-enabled': 'yes',
      'cluster-port': clusterPort,
      'cluster-node-timeout': 2000,
    }),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  const run = async () => {
    // At that time it has read its append-only file.
    running = await startProgram(program, flags, { readyLine: 'Ready to accept connections' })
  }
  const pidOf = () => {
    if (running?.pid === undefined || hasEnded(running)) throw new Error('This Redis does not run.')
    return running.pid
  }
  const kill = () => endProgram(running, 'SIGKILL')
  const close = async () => {
    await kill()
    remove()
  }
  try {
    await run()
  } catch (error) {
    await close()
    throw error
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    clusterPort,
    get pid() {
      return pidOf()
    },
    pause: () => void process.kill(pidOf(), 'SIGSTOP'),
    resume: () => void process.kill(pidOf(), 'SIGCONT'),
    kill,
    restart: async () => {
      await kill()
      await run()
    },
    close,
  }
}

function sharedServer(): RedisServer {
  const url = process.env.REDIS_URL
  if (url === undefined) throw new Error('There is no redis-server. Ask redisIsMissing() first.')
  const refuse = (): never => {
    throw new Error('The Redis at REDIS_URL is shared. Put redis-server on the PATH for this test.')
  }
  return {
    url,
    port: Number(new URL(url).port || 6379),
    clusterPort: undefined,
    get pid() {
      return refuse()
    },
    pause: refuse,
    resume: refuse,
    kill: async () => refuse(),
    restart: async () => refuse(),
    close: async () => {},
  }
}
