import type { ChildProcess } from 'node:child_process'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningServer } from '../servers/variant.ts'
import { nextMessage } from './pinned-process.ts'

export interface Transfer {
  readonly bytes: number
  readonly seconds: number
  /** What the process of the proxy took from the system at most, beyond what it had before. */
  readonly growthBytes: number
}

const PART = Buffer.alloc(64 * 1024, 'binary ')
const SAMPLE_MILLISECONDS = 50

/** Moves a large body through a proxy, and looks at the memory of its process meanwhile. */
export async function transfer(
  child: ChildProcess,
  server: RunningServer,
  what: { readonly path: string; readonly uploadBytes?: number },
): Promise<Transfer> {
  const before = await residentBytesOf(child)
  let most = before
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      most = Math.max(most, await residentBytesOf(child))
      await sleep(SAMPLE_MILLISECONDS)
    }
  })()
  const startedAt = performance.now()
  const bytes = await move(`${server.url}${what.path}`, server.cookie, what.uploadBytes)
  const seconds = (performance.now() - startedAt) / 1000
  isOver = true
  await watching
  return { bytes, seconds, growthBytes: most - before }
}

async function residentBytesOf(child: ChildProcess): Promise<number> {
  child.send('memory')
  return (await nextMessage<{ residentBytes: number }>(child)).residentBytes
}

/** @returns how many bytes the browser got, or the FHIR server said that it got */
function move(url: string, cookie = '', uploadBytes = 0): Promise<number> {
  const isUpload = uploadBytes > 0
  const headers = { cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'application/octet-stream' }
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: isUpload ? 'POST' : 'GET', headers, agent: false }, (response) => {
      let size = 0
      let text = ''
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (isUpload) text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200 || response.statusCode === 201) resolve(isUpload ? Number(text) : size)
        else reject(new Error(`${url} answered ${response.statusCode}: ${text}`))
      })
    })
    sent.on('error', reject)
    let left = uploadBytes
    const go = (): void => {
      while (left > 0) {
        left -= PART.length
        if (!sent.write(PART)) return void sent.once('drain', go)
      }
      sent.end()
    }
    go()
  })
}
