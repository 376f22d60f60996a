import { ratio, spread, table } from '../support/markdown.ts'
import { DRIVING_CORE, nextMessage, runPinned, startPinned } from '../support/pinned-process.ts'
import type { Goal, Part, PartReport } from '../support/report.ts'
import { differenceOf, ratioOf, type Spread, spreadOf, verdictOf } from '../support/statistics.ts'

async function cachedToken(rounds: number): Promise<PartReport> {
  type Found = {
    read: Record<'map' | 'clock' | 'ours', number[]>
    awaited: Record<'nothing' | 'clock' | 'ours', number[]>
  }
  const { read, awaited } = await runPinned<Found>('probes/cached-token.js', [String(rounds)])
  const overClock = ratioOf(read.ours, read.clock)
  const overAwait = ratioOf(awaited.ours, awaited.clock)
  return {
    goals: [
      {
        what: 'Backend token, cached, read at once',
        goal: '<= 1.5x one look at the clock',
        found: `${ratio(overClock)}x`,
        verdict: verdictOf(overClock, { atMost: 1.5 }),
      },
      {
        what: 'Backend token, cached, awaited',
        goal: '<= 1.5x an `await` of one look at the clock',
        found: `${ratio(overAwait)}x`,
        verdict: verdictOf(overAwait, { atMost: 1.5 }),
      },
    ],
    body: table(
      ['cached token, ns', 'median (quartiles)'],
      [
        ['Map lookup by a constant key', spread(spreadOf(read.map))],
        ['reading the clock (`Date.now()`), which says whether the token is still valid', spread(spreadOf(read.clock))],
        ['`backend.context()`', spread(spreadOf(read.ours))],
        ['`await` of a value at hand', spread(spreadOf(awaited.nothing))],
        ['`await` of one look at the clock', spread(spreadOf(awaited.clock))],
        ['`await backend.context()`', spread(spreadOf(awaited.ours))],
        ['the same, over the bare `await`', spread(differenceOf(awaited.ours, awaited.nothing))],
      ],
    ),
  }
}

async function stampede(rounds: number): Promise<PartReport> {
  type Counts = Record<'discovery' | 'token', number>
  type Found = {
    one: number[]
    waiting: number[]
    all: number[]
    counts: Record<'ours' | 'openidClient' | 'oauth4webapi', Counts>
  }
  const goals: Goal[] = []
  const rows: string[][] = []
  let counts: Found['counts'] | undefined
  for (const delay of [0, 25]) {
    const server = startPinned('servers/token-server.js', [String(delay)], { core: DRIVING_CORE })
    const { url } = await nextMessage<{ url: string }>(server)
    const found = await runPinned<Found>('probes/stampede.js', [url, String(rounds)])
    server.kill('SIGKILL')
    counts ??= found.counts
    const against = ratioOf(found.all, found.one)
    const where = delay === 0 ? 'a server that answers at once' : `a server that takes ${delay} ms`
    rows.push([
      where,
      ...[found.one, found.waiting, found.all].map((values) => spread(spreadOf(values))),
      ratio(against),
      ratio(ratioOf(found.all, found.waiting)),
    ])
    goals.push({
      what: `Stampede, 10,000 cold callers against one: ${where}`,
      goal: '<= 1.2x',
      found: ratio(against),
      verdict: verdictOf(against, { atMost: 1.2 }),
    })
  }
  const { ours, openidClient, oauth4webapi } = counts ?? {
    ours: undefined,
    openidClient: undefined,
    oauth4webapi: undefined,
  }
  goals.push({
    what: 'Stampede, requests of 10,000 cold callers',
    goal: '1 discovery, 1 token request',
    found: `${ours?.discovery} discovery, ${ours?.token} token request`,
    verdict: ours?.discovery === 1 && ours.token === 1 ? 'met' : 'missed',
  })
  const body = [
    table(
      ['cold callers, ms', 'one', '10,000 waiting for its promise', '10,000 callers', 'against one', 'against waiting'],
      rows,
    ),
    table(
      ['requests', 'discovery', 'token'],
      [
        ['fhir-auth, 10,000 callers', String(ours?.discovery), String(ours?.token)],
        ['openid-client, 1,000 callers', String(openidClient?.discovery), String(openidClient?.token)],
        ['oauth4webapi, 1,000 callers', String(oauth4webapi?.discovery), String(oauth4webapi?.token)],
      ],
    ),
    'With no delay at all, one caller waits for so short a time that the engine needs longer to settle 10,000 promises: the ' +
      'column of those who only wait is the limit.',
  ].join('\n\n')
  return { goals, body }
}

async function tokenRequest(rounds: number): Promise<PartReport> {
  const server = startPinned('servers/token-server.js', [], { core: DRIVING_CORE })
  const { url } = await nextMessage<{ url: string }>(server)
  type Name = 'ours' | 'byHand' | 'openidClient' | 'oursUndici' | 'byHandUndici' | 'byUndiciRequest'
  const found = await runPinned<Record<Name, number[]>>('probes/token-request.js', [url, String(rounds * 6)])
  server.kill('SIGKILL')
  // Throughput: the inverse of time.
  const own = ratioOf(found.byHand, found.ours)
  const undici = ratioOf(found.byHandUndici, found.oursUndici)
  const row = (title: string, name: Name, against: Name) => [
    title,
    spread(spreadOf(found[name].map((nanoseconds) => nanoseconds / 1000))),
    name === against ? '1' : ratio(ratioOf(found[against], found[name])),
  ]
  const goal = (what: string, value: Spread, atLeast: number): Goal => ({
    what: `Token request with a new assertion, against ${what}`,
    goal: `>= ${atLeast}`,
    found: ratio(value),
    verdict: verdictOf(value, { atLeast }),
  })
  return {
    goals: [
      goal('hand-written fetch and jose', own, 0.97),
      goal('hand-written undici fetch and jose, both with undici', undici, 0.95),
    ],
    body: table(
      ['token request with a new ES384 assertion', 'µs', 'throughput against hand-written'],
      [
        row('hand-written: `fetch`, jose', 'byHand', 'byHand'),
        row('fhir-auth', 'ours', 'byHand'),
        row('openid-client', 'openidClient', 'byHand'),
        row('hand-written: `fetch` of undici, jose', 'byHandUndici', 'byHandUndici'),
        row('fhir-auth with `fetch` of undici', 'oursUndici', 'byHandUndici'),
        row('hand-written: `request` of undici, jose', 'byUndiciRequest', 'byHandUndici'),
      ],
    ),
  }
}

async function signing(rounds: number): Promise<PartReport> {
  const goals: Goal[] = []
  const rows: string[][] = []
  for (const alg of ['ES384', 'RS384']) {
    for (const inFlight of ['1', '64']) {
      const args = [alg, inFlight, String(rounds * 2)]
      const found = await runPinned<Record<'ours' | 'jose', number[]>>('probes/signing.js', args)
      const against = ratioOf(found.jose, found.ours)
      const microseconds = (values: number[]) => spread(spreadOf(values.map((value) => value / 1000)))
      rows.push([`${alg}, ${inFlight} in flight`, microseconds(found.jose), microseconds(found.ours), ratio(against)])
      const isMet = verdictOf(against, { atLeast: 0.97 })
      goals.push({
        what: `Signing, ${alg}, ${inFlight} in flight`,
        goal: '>= 0.97 of jose alone',
        found: ratio(against),
        verdict: isMet,
      })
    }
  }
  return { goals, body: table(['one assertion, µs', 'jose alone', 'fhir-auth', 'throughput against jose'], rows) }
}

export const backend: Part = {
  title: 'Backend token',
  async measure({ rounds }) {
    const measured = [cachedToken, stampede, tokenRequest, signing]
    const reports: PartReport[] = []
    for (const measure of measured) reports.push(await measure(Math.max(rounds, 15)))
    return { goals: reports.flatMap(({ goals }) => goals), body: reports.map(({ body }) => body).join('\n\n') }
  },
}
