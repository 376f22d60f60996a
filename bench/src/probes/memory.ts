import { Session } from 'node:inspector/promises'
import { promiseHooks } from 'node:v8'
import type { Framework } from '../servers/frameworks.ts'
import { callsOf } from './captured.ts'

// Says what requests of one session leave on the heap, and what each one allocates and makes promises of.
const [framework] = process.argv.slice(2)
const calls = await callsOf(framework as Framework)
const { live, without, noOp } = calls

const heap: number[] = []
for (let step = 0; step <= 10; step++) {
  if (step > 0) await repeat(live, 100_000)
  heap.push(heapUsed())
}
process.send?.({
  heap,
  allocated: { noOp: await allocated(noOp), live: await allocated(live), without: await allocated(without) },
  promises: { noOp: promises(noOp), live: promises(live), without: promises(without) },
})

/** In pieces, so that what waits for its turn is not what is measured. */
async function repeat(call: () => unknown, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    call()
    if (i % 1000 === 0) await new Promise(setImmediate)
  }
}

function heapUsed(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

/** Bytes of one call, and by which function, from the sampling profiler of the heap with the dead objects included. */
async function allocated(call: () => unknown): Promise<{ bytes: number; by: [string, number][] }> {
  const CALLS = 300_000
  await repeat(call, 20_000)
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 2048,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
  for (let i = 0; i < CALLS; i++) call()
  const { profile } = await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  const by = new Map<string, number>()
  const walk = ({ callFrame, selfSize, children }: typeof profile.head): void => {
    const file = callFrame.url.split('/').slice(-2).join('/')
    const name = `${callFrame.functionName || '(anonymous)'} in ${file || 'the engine'}`
    by.set(name, (by.get(name) ?? 0) + selfSize / CALLS)
    children.forEach(walk)
  }
  walk(profile.head)
  const ordered = [...by].filter(([, bytes]) => bytes >= 1).sort((a, b) => b[1] - a[1])
  return { bytes: [...by.values()].reduce((sum, bytes) => sum + bytes, 0), by: ordered.slice(0, 6) }
}

function promises(call: () => unknown): number {
  let count = 0
  const stop = promiseHooks.onInit(() => {
    count++
  })
  for (let i = 0; i < 100; i++) call()
  stop()
  return count / 100
}
