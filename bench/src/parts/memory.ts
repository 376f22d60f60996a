import type { Framework } from '../servers/frameworks.ts'
import { number, table } from '../support/markdown.ts'
import { runPinned } from '../support/pinned-process.ts'
import type { Goal, Part } from '../support/report.ts'
import { spreadOf } from '../support/statistics.ts'

type Kind = 'noOp' | 'live' | 'without'
interface Found {
  readonly heap: number[]
  readonly allocated: Record<Kind, { bytes: number; by: [string, number][] }>
  readonly promises: Record<Kind, number>
}

/** Bytes per request that a heap grew by, over its second half: the first is the compiler's. */
function growthOf(heap: readonly number[]): number {
  const middle = heap[5] ?? 0
  return ((heap.at(-1) ?? 0) - middle) / 500_000
}

export const memory: Part = {
  title: 'Memory',
  async measure({ frameworks }) {
    const found = new Map<Framework, Found>()
    for (const framework of frameworks) {
      found.set(framework, await runPinned<Found>('probes/memory.js', [framework], { flags: ['--expose-gc'] }))
    }
    const goals = [...found].flatMap(([framework, { heap, promises, allocated }]): Goal[] => {
      const growth = growthOf(heap)
      // Less than one byte a request is no object: it is the noise of a heap of some megabytes.
      const isFlat = Math.abs(growth) < 1
      const extra = promises.live - promises.noOp
      return [
        {
          what: `${framework}: heap over 1,000,000 requests of one session`,
          goal: 'flat',
          found: `${growth.toFixed(3)} bytes per request`,
          verdict: isFlat ? 'met' : 'missed',
        },
        {
          what: `${framework}: promises of a request with a live session, beyond a no-op's`,
          goal: 'none',
          found: `${extra}; ${number(allocated.live.bytes - allocated.noOp.bytes)} bytes allocated`,
          verdict: extra === 0 ? 'met' : 'missed',
        },
      ]
    })
    const rows = [...found].flatMap(([framework, { allocated, promises }]) =>
      (['noOp', 'live', 'without'] as const).map((kind) => [
        `${framework}: ${{ noOp: 'no-op', live: 'live session', without: 'no cookie of ours' }[kind]}`,
        number(allocated[kind].bytes),
        String(promises[kind]),
        allocated[kind].by.map(([name, bytes]) => `${name} ${number(bytes)}`).join('; '),
      ]),
    )
    const steps = [...found].map(([framework, { heap }]) => [
      framework,
      ...[0, 5, 10].map((step) => number((heap[step] ?? 0) / 1e6)),
      number(spreadOf(heap.slice(5)).high / 1e6),
    ])
    return {
      goals,
      body: [
        table(['one request', 'bytes allocated', 'promises', 'by'], rows),
        table(['heap after a collection, MB', 'at first', 'after 500,000', 'after 1,000,000', 'upper quartile'], steps),
      ].join('\n\n'),
    }
  },
}
