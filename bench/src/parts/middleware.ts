import type { Framework } from '../servers/frameworks.ts'
import { ATTACHING, BARE, NO_OP, OURS, OURS_WITHOUT, type RunningServer, TWIN } from '../servers/variant.ts'
import { type LoadResult, load } from '../support/load.ts'
import { number, ratio, spread, table } from '../support/markdown.ts'
import type { BenchOptions } from '../support/options.ts'
import { nextMessage, runPinned, startPinned } from '../support/pinned-process.ts'
import type { Goal, Part, PartReport } from '../support/report.ts'
import { inRounds } from '../support/rounds.ts'
import { differenceOf, noiseOf, ratioOf, spreadOf, verdictOf, verdictWithin } from '../support/statistics.ts'

const WARM_UP_SECONDS = 1

const REFERENCE = 'reference: the clock, a header, a `Map` lookup by a fresh string'
/** Times the reference. */
const LIVE_AT_MOST = 2.5
const WITHOUT_AT_MOST = 0.75

const TITLES: Record<Framework, string> = {
  express: 'Express 5',
  fastify: 'Fastify 5',
  hono: 'Hono 4',
  nest: 'Nest 12',
}

/** The names of the variants, without loading a framework into the process that makes the load. */
async function namesOf(framework: Framework): Promise<readonly string[]> {
  return runPinned<string[]>('probes/variant-names.js', [framework])
}

async function inProcess(framework: Framework, { rounds }: BenchOptions): Promise<PartReport> {
  type Calls = Record<'noOp' | 'attaching' | 'live' | 'without' | 'reference', number[]>
  const measured = await runPinned<Calls>('probes/middleware.js', [framework, String(Math.max(rounds, 15))])
  const live = differenceOf(measured.live, measured.noOp)
  const without = differenceOf(measured.without, measured.noOp)
  const attaching = differenceOf(measured.attaching, measured.noOp)
  const goal = (what: string, calls: number[], atMost: number): Goal => {
    const overNoOp = calls.map((nanoseconds, round) => nanoseconds - (measured.noOp[round] ?? 0))
    const found = ratioOf(overNoOp, measured.reference)
    return {
      what: `${TITLES[framework]}, in the process: ${what}`,
      goal: `<= ${atMost}x the reference, over a no-op`,
      found: `${ratio(found)}x`,
      verdict: verdictOf(found, { atMost }),
    }
  }
  return {
    goals: [
      goal('live session', measured.live, LIVE_AT_MOST),
      goal('no cookie of ours', measured.without, WITHOUT_AT_MOST),
    ],
    body: table(
      ['one call in the process, ns', 'median (quartiles)', 'over the no-op'],
      [
        [REFERENCE, spread(spreadOf(measured.reference)), ''],
        ['no-op middleware', spread(spreadOf(measured.noOp)), ''],
        ...(framework === 'hono'
          ? [['attaches a constant', spread(spreadOf(measured.attaching)), spread(attaching)]]
          : []),
        [OURS, spread(spreadOf(measured.live)), spread(live)],
        [OURS_WITHOUT, spread(spreadOf(measured.without)), spread(without)],
      ],
    ),
  }
}

async function onTheWire(framework: Framework, { rounds, seconds }: BenchOptions): Promise<PartReport> {
  const names = await namesOf(framework)
  const results = Object.fromEntries(names.map((name) => [name, [] as LoadResult[]]))
  // A process for each round: where the engine has put its code and data is the process's own luck.
  const perSecond = await inRounds(names, rounds, async (name) => {
    const child = startPinned('servers/start.js', [framework, name])
    const server = await nextMessage<RunningServer>(child)
    await load(child, server, WARM_UP_SECONDS)
    const result = await load(child, server, seconds)
    child.kill('SIGKILL')
    results[name]?.push(result)
    return result.requestsPerSecond
  })

  const rates = (name: string) => perSecond[name] ?? []
  const cpu = (name: string) => spreadOf((results[name] ?? []).map((result) => result.cpuMicrosecondsPerRequest))
  const noise = noiseOf(ratioOf(rates(TWIN), rates(BARE)))
  const overNoOp = ratioOf(rates(OURS), rates(NO_OP))
  const peers = names.filter((name) => ![BARE, TWIN, NO_OP, ATTACHING, OURS, OURS_WITHOUT].includes(name))
  const best = peers.reduce((a, b) => (spreadOf(rates(b)).median > spreadOf(rates(a)).median ? b : a))
  const overBest = ratioOf(rates(OURS), rates(best))
  const rows = names.map((name) => [
    name,
    number(spreadOf(rates(name)).median),
    name === BARE ? '1' : ratio(ratioOf(rates(name), rates(BARE)), noise),
    spread(cpu(name)),
    number(spreadOf((results[name] ?? []).map((result) => result.serverUse * 100)).median),
  ])
  return {
    goals: [
      {
        what: `${TITLES[framework]}, on the wire: live session against a no-op middleware`,
        goal: `within ${(noise * 100).toFixed(1)} %, as two identical servers`,
        found: `${ratio(overNoOp, noise)}; against what ${ATTACHING}: ${ratio(ratioOf(rates(OURS), rates(ATTACHING)), noise)}`,
        verdict: verdictWithin(overNoOp, noise),
      },
      {
        what: `${TITLES[framework]}, on the wire: live session against the best session peer (${best})`,
        goal: '>= 2x',
        found: `${ratio(overBest, noise)}; the bare server: ${ratio(ratioOf(rates(BARE), rates(best)), noise)}`,
        verdict: verdictOf(overBest, { atLeast: 2 }),
      },
    ],
    body: table(
      ['on the wire, GET', 'requests/s', 'ratio to bare', 'server CPU, µs per request', 'server core used, %'],
      rows,
    ),
  }
}

export const middleware: Part = {
  title: 'Middleware',
  async measure(options) {
    const goals: Goal[] = []
    const bodies: string[] = []
    for (const framework of options.frameworks) {
      const reports = [await inProcess(framework, options), await onTheWire(framework, options)]
      goals.push(...reports.flatMap((report) => report.goals))
      bodies.push(`### ${TITLES[framework]}`, ...reports.map(({ body }) => body))
    }
    const remark =
      'In the process, a real request of the framework is kept and handed to the middleware again and again. What is left ' +
      'there is one look at the clock, one look into the Map by an id that the process has never seen as this string, and ' +
      'the header reads. On the wire, each request is new: Node makes the object of its headers when somebody first reads ' +
      'one, and Express has changed its prototype, so that each new member costs a microsecond. Hence the row that reads the ' +
      'cookie header and attaches a constant. All servers get as many bytes of cookies; a ' +
      'difference below that of two identical servers is no difference. The CPU column does not depend on how fast the load generator is.'
    return { goals, body: [remark, ...bodies].join('\n\n') }
  },
}
