import { number, ratio, spread, table } from '../support/markdown.ts'
import { runPinned } from '../support/pinned-process.ts'
import type { Part } from '../support/report.ts'
import { ratioOf, spreadOf, verdictOf } from '../support/statistics.ts'

const COUNTS = [1000, 10_000, 100_000, 1_000_000]

export const sessions: Part = {
  title: 'Sessions in memory',
  async measure({ rounds }) {
    const found: Record<'map' | 'ours', number[]>[] = []
    for (const count of COUNTS) found.push(await runPinned('probes/sessions.js', [String(count), String(rounds)]))
    const [few, many] = [found[0], found.at(-1)]
    if (!few || !many) throw new Error('Nothing was measured.')
    const growth = ratioOf(many.ours, few.ours)
    const mapGrowth = ratioOf(many.map, few.map)
    const size = await runPinned<Record<'serialised' | 'stored' | 'used', number>>('probes/session-size.js', [], {
      flags: ['--expose-gc'],
    })
    const share = size.stored / size.serialised
    const rows = COUNTS.map((count, at) => {
      const { map = [], ours = [] } = found[at] ?? {}
      return [number(count), spread(spreadOf(map)), spread(spreadOf(ours))]
    })
    return {
      goals: [
        {
          what: 'Session lookup, 1,000,000 sessions against 1,000',
          goal: '<= 1.3x',
          found: `${ratio(growth)}; a bare Map of the same ids: ${ratio(mapGrowth)}`,
          verdict: verdictOf(growth, { atMost: 1.3 }),
        },
        {
          what: 'Bytes of a session in memory against its serialised size',
          goal: '<= 1.25x',
          found: `${share.toFixed(2)}: ${number(size.stored)} of ${number(size.serialised)} bytes`,
          verdict: share <= 1.25 ? 'met' : 'missed',
        },
      ],
      body: [
        table(['sessions; each is as likely to be asked for, ns', 'a bare Map', 'fhir-auth: cookie to context'], rows),
        table(
          ['bytes of heap per session, of 10,000 logins', ''],
          [
            ['serialised', number(size.serialised)],
            ['stored', number(size.stored)],
            ['stored, and its context made by a first request', number(size.used)],
          ],
        ),
        'With many sessions, the memory of the one asked for is in no cache of the processor: the bare Map shows what that costs.',
      ].join('\n\n'),
    }
  },
}
