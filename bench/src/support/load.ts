import type { ChildProcess } from 'node:child_process'
import autocannon from 'autocannon'
import type { RunningServer } from '../servers/variant.ts'
import { nextMessage } from './pinned-process.ts'

export interface LoadResult {
  readonly requestsPerSecond: number
  /** Of the server's process. */
  readonly cpuMicrosecondsPerRequest: number
  /** Of one core: where it is well below 1, the load generator was the limit. */
  readonly serverUse: number
}

const CONNECTIONS = 32

/** Loads a server with GET for some seconds, and throws if any answer is not 200. */
export async function load(child: ChildProcess, server: RunningServer, seconds: number): Promise<LoadResult> {
  const before = await cpuOf(child)
  const startedAt = performance.now()
  const result = await autocannon({
    ...{ url: server.url, connections: CONNECTIONS, duration: seconds },
    headers: { cookie: server.cookie ?? STAND_IN },
  })
  const elapsedMicroseconds = (performance.now() - startedAt) * 1000
  const used = (await cpuOf(child)) - before
  if (result.errors > 0 || result.non2xx > 0) {
    throw new Error(`${server.url}: ${result.errors} errors, ${result.non2xx} answers other than 2xx`)
  }
  return {
    requestsPerSecond: result.requests.total / result.duration,
    cpuMicrosecondsPerRequest: used / result.requests.total,
    serverUse: used / elapsedMicroseconds,
  }
}

/** For a server without a session: as many bytes of header as a session takes, none of them for it. */
const STAND_IN = `theme=dark; _ga=GA1.2.1234567890.1700000000; locale=en-US; ${'unrelated'.repeat(2)}=${'x'.repeat(49)}`

async function cpuOf(child: ChildProcess): Promise<number> {
  child.send('cpu')
  return (await nextMessage<{ cpuMicroseconds: number }>(child)).cpuMicroseconds
}
