import { number, ratio, spread, table } from '../support/markdown.ts'
import { runPinned } from '../support/pinned-process.ts'
import type { Part } from '../support/report.ts'
import { ratioOf, spreadOf, verdictOf } from '../support/statistics.ts'

const COUNTS = [1000, 10_000, 100_000, 1_000_000]

export const sessions: Part = {
  title: 'Sessions in memory',
  async measure({ rounds }) {
    const found: Record<'map' | 'ours' | 'mapAny' | 'oursAny', number[]>[] = []
    for (const count of COUNTS) found.push(await runPinned('probes/sessions.js', [String(count), String(rounds)]))
    const [few, many] = [found[0], found.at(-1)]
    if (!few || !many) throw new Error('Nothing was measured.')
    const growth = ratioOf(many.ours, few.ours)
    const growthOfAny = ratioOf(many.oursAny, few.oursAny)
    const mapGrowth = ratioOf(many.mapAny, few.mapAny)
    const size = await runPinned<Record<'serialised' | 'stored' | 'used', number>>('probes/session-size.js', [], {
      flags: ['--expose-gc'],
    })
    const share = size.stored / size.serialised
    const rows = COUNTS.map((count, at) => {
      const { map = [], ours = [], mapAny = [], oursAny = [] } = found[at] ?? {}
      return [number(count), ...[map, ours, mapAny, oursAny].map((values) => spread(spreadOf(values)))]
    })
    return {
      goals: [
        {
          what: "Session lookup, one person's requests: 1,000,000 sessions against 1,000",
          goal: '<= 1.3x',
          found: ratio(growth),
          verdict: verdictOf(growth, { atMost: 1.3 }),
        },
        {
          what: 'Session lookup, each session as likely as any other: 1,000,000 against 1,000',
          goal: '<= 1.3x',
          found: `${ratio(growthOfAny)}; a bare Map of the same ids: ${ratio(mapGrowth)}`,
          verdict: verdictOf(growthOfAny, { atMost: 1.3 }),
        },
        {
          what: 'Bytes of a session in memory against its serialised size',
          goal: '<= 1.25x',
          found: `${share.toFixed(2)}: ${number(size.stored)} of ${number(size.serialised)} bytes`,
          verdict: share <= 1.25 ? 'met' : 'missed',
        },
      ],
      body: [
        table(
          [
            ...['sessions held; one lookup, ns', 'one person: bare Map', 'one person: fhir-auth, cookie to context'],
            ...['anyone: bare Map', 'anyone: fhir-auth'],
          ],
          rows,
        ),
        table(
          ['bytes of heap per session, of 10,000 logins', ''],
          [
            ['serialised', number(size.serialised)],
            ['stored', number(size.stored)],
            ['stored, and its context made by a first request', number(size.used)],
          ],
        ),
        'Among many sessions, one that was not just asked for is in no cache of the processor: the bare Map shows what that costs. ' +
          'A record is an object of 16 members, 8 bytes each whether set or not, and each text has a header of 16 bytes: so ' +
          'much for 1.25. The serialised form would be smaller, and parsed again by every request.',
      ].join('\n\n'),
    }
  },
}
