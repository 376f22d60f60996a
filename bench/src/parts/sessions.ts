import { number, ratio, spread, table } from '../support/markdown.ts'
import { runPinned } from '../support/pinned-process.ts'
import type { Part } from '../support/report.ts'
import { ratioOf, spreadOf, verdictOf } from '../support/statistics.ts'

const MANY = 1_000_000
const COUNTS = [1000, 10_000, 100_000, MANY]
/** Opaque, and signed as most EHRs issue it. */
const TOKEN_LENGTHS = [43, 900]

/** In microseconds. */
type Times = Record<'half' | 'nearlyAll' | 'longest', number>
type Writes = Record<'filling' | 'whenFull' | 'whenAllHaveExpired', Times> &
  Record<'serialised' | 'atRest' | 'left', number>

export const sessions: Part = {
  title: 'Sessions in memory',
  async measure({ rounds }) {
    const found: Record<'map' | 'ours' | 'mapAny' | 'oursAny', number[]>[] = []
    // What filling the store has left behind is collected before each look, not during it.
    const flags = ['--expose-gc']
    for (const count of COUNTS) {
      found.push(await runPinned('probes/sessions.js', [String(count), String(Math.max(rounds, 9))], { flags }))
    }
    const [few, many] = [found[0], found.at(-1)]
    if (!few || !many) throw new Error('Nothing was measured.')
    const growth = ratioOf(many.ours, few.ours)
    const growthOfAny = ratioOf(many.oursAny, few.oursAny)
    const mapGrowth = ratioOf(many.mapAny, few.mapAny)
    const size = await runPinned<Record<'serialised' | 'atRest' | 'ready' | 'used', number>>(
      'probes/session-size.js',
      [],
      {
        flags,
      },
    )
    const share = size.atRest / size.serialised
    const writes: Writes[] = []
    for (const length of TOKEN_LENGTHS) {
      const room = { flags: [...flags, '--max-old-space-size=8192'] }
      writes.push(await runPinned<Writes>('probes/store-writes.js', [String(MANY), String(length)], room))
    }
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
          what: 'Bytes of a session at rest against its serialised size',
          goal: '<= 1.25x',
          found: `${share.toFixed(2)}: ${number(size.atRest)} of ${number(size.serialised)} bytes`,
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
        'Among many sessions, one that was not just asked for is in no cache of the processor: the bare Map shows what that ' +
          'costs. The 10,000 that were written last are ready as records; all others are at rest as text, which is parsed when ' +
          'they are asked for.',
        table(
          ['bytes of heap per session, of real logins', ''],
          [
            ['serialised', number(size.serialised)],
            ['at rest', number(size.atRest)],
            ['ready', number(size.ready)],
            ['ready, and its context made by a first request', number(size.used)],
          ],
        ),
        table(
          [`${number(MANY)} sessions`, ...TOKEN_LENGTHS.map((length) => `access token of ${length} characters`)],
          [
            ['serialised, bytes', ...writes.map(({ serialised }) => number(serialised))],
            ['heap for one at rest, bytes', ...writes.map(({ atRest }) => number(atRest))],
            writeRow('a write', ({ filling }) => filling, writes),
            writeRow('a write that drops the oldest', ({ whenFull }) => whenFull, writes),
            writeRow('a write when all have expired', ({ whenAllHaveExpired }) => whenAllHaveExpired, writes),
            [`held ${number(MANY / 4)} writes after that`, ...writes.map(({ left }) => number(left))],
          ],
        ),
        'Of the writes: half of them within, 99.9 % within, and the longest, with the garbage collector and the times when a Map ' +
          'moves to another table.',
      ].join('\n\n'),
    }
  },
}

function writeRow(title: string, timesOf: (writes: Writes) => Times, writes: readonly Writes[]): string[] {
  const cell = ({ half, nearlyAll, longest }: Times) =>
    `${number(half)} µs, ${number(nearlyAll)} µs, ${number(longest / 1000)} ms`
  return [title, ...writes.map((found) => cell(timesOf(found)))]
}
