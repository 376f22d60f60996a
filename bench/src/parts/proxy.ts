import type { Framework } from '../servers/frameworks.ts'
import { NO_PROXY, OUR_PROXY } from '../servers/proxies/proxy-variant.ts'
import type { RunningServer } from '../servers/variant.ts'
import { type Transfer, transfer } from '../support/large-transfer.ts'
import { type LoadResult, load } from '../support/load.ts'
import { number, ratio, spread, table } from '../support/markdown.ts'
import type { BenchOptions } from '../support/options.ts'
import { DRIVING_CORE, nextMessage, runPinned, startPinned } from '../support/pinned-process.ts'
import type { Goal, Part, PartReport } from '../support/report.ts'
import { inRounds } from '../support/rounds.ts'
import { noiseOf, ratioOf, spreadOf, verdictOf, verdictWithin } from '../support/statistics.ts'

const WARM_UP_SECONDS = 1
const SMALL = '/fhir/Patient/p1'
const LARGE_BYTES = 1024 ** 3
/** Of the body: buffers of the runtime and the system, and what the collector has not looked at yet. */
const MOST_GROWTH = 0.1

/** Serves `path` from a process of its own for some seconds. */
async function loadOnce(
  [framework, name, upstream]: readonly [Framework, string, string],
  path: string,
  seconds: number,
): Promise<LoadResult> {
  const child = startPinned('servers/proxy-start.js', [framework, name, upstream])
  const server = await nextMessage<RunningServer>(child)
  const asked = { ...server, url: `${server.url}${path}` }
  await load(child, asked, WARM_UP_SECONDS)
  const result = await load(child, asked, seconds)
  child.kill('SIGKILL')
  return result
}

async function smallReads(
  framework: Framework,
  upstream: string,
  { rounds, seconds }: BenchOptions,
): Promise<PartReport> {
  const names = (await runPinned<string[]>('probes/proxy-names.js', [framework])).filter((name) => name !== NO_PROXY)
  const results = Object.fromEntries(names.map((name) => [name, [] as LoadResult[]]))
  const rates = await inRounds(names, rounds, async (name) => {
    const result = await loadOnce([framework, name, upstream], SMALL, seconds)
    results[name]?.push(result)
    return result.requestsPerSecond
  })
  const ours = rates[OUR_PROXY] ?? []
  const [peer = ''] = names.filter((name) => name !== OUR_PROXY)
  const overPeer = ratioOf(ours, rates[peer] ?? [])
  const rows = names.map((name) => [
    `${framework}: ${name}`,
    number(spreadOf(rates[name] ?? []).median),
    name === peer ? '1' : ratio(overPeer),
    spread(spreadOf((results[name] ?? []).map((result) => result.cpuMicrosecondsPerRequest))),
    number(spreadOf((results[name] ?? []).map((result) => result.serverUse * 100)).median),
  ])
  return {
    goals: [
      {
        what: `FHIR proxy, ${framework}: small reads against ${peer}`,
        goal: '>= 1x',
        found: ratio(overPeer),
        verdict: verdictOf(overPeer, { atLeast: 1 }),
      },
    ],
    body: table(['GET of 2 kB', 'requests/s', 'ratio to the peer', 'server CPU, µs per request', 'core used, %'], rows),
  }
}

const MOUNTED = 'mounted'
const NOT_MOUNTED = 'not mounted'
const NOT_MOUNTED_TWIN = 'not mounted, a second server'

async function otherRoutes(
  framework: Framework,
  upstream: string,
  { rounds, seconds }: BenchOptions,
): Promise<PartReport> {
  const names = [MOUNTED, NOT_MOUNTED, NOT_MOUNTED_TWIN] as const
  const rates = await inRounds(names, rounds, async (name) => {
    const variant = name === MOUNTED ? OUR_PROXY : NO_PROXY
    return (await loadOnce([framework, variant, upstream], '/', seconds)).requestsPerSecond
  })
  const noise = noiseOf(ratioOf(rates[NOT_MOUNTED_TWIN], rates[NOT_MOUNTED]))
  const found = ratioOf(rates[MOUNTED], rates[NOT_MOUNTED])
  return {
    goals: [
      {
        what: `FHIR proxy, ${framework}: another route, with the proxy mounted and without`,
        goal: `within ${(noise * 100).toFixed(1)} %, as two identical servers`,
        found: ratio(found, noise),
        verdict: verdictWithin(found, noise),
      },
    ],
    body: '',
  }
}

const TRANSFERS = {
  'Binary to the page': { path: '/fhir/Binary/large' },
  'Bundle to the page, links rewritten': { path: '/fhir/Observation' },
  'Binary to the server': { path: '/fhir/Binary', uploadBytes: LARGE_BYTES },
} as const

async function largeBodies(framework: Framework, upstream: string): Promise<PartReport> {
  const goals: Goal[] = []
  const rows: string[][] = []
  for (const [title, what] of Object.entries(TRANSFERS)) {
    const child = startPinned('servers/proxy-start.js', [framework, OUR_PROXY, upstream])
    const server = await nextMessage<RunningServer>(child)
    await load(child, { ...server, url: `${server.url}${SMALL}` }, WARM_UP_SECONDS)
    const moved: Transfer = await transfer(child, server, what)
    child.kill('SIGKILL')
    // Links through the proxy are shorter.
    if (moved.bytes < 0.9 * LARGE_BYTES) throw new Error(`${framework}, ${title}: only ${moved.bytes} bytes arrived.`)
    const megabytes = moved.growthBytes / 1024 ** 2
    goals.push({
      what: `FHIR proxy, ${framework}: memory over a body of 1 GiB, ${title}`,
      goal: `<= ${(MOST_GROWTH * LARGE_BYTES) / 1024 ** 2} MiB more`,
      found: `${number(megabytes)} MiB`,
      verdict: moved.growthBytes <= MOST_GROWTH * LARGE_BYTES ? 'met' : 'missed',
    })
    rows.push([`${framework}: ${title}`, number(megabytes), number(moved.bytes / 1024 ** 2 / moved.seconds)])
  }
  return { goals, body: table(['body of 1 GiB', 'resident memory, MiB more at most', 'MiB/s'], rows) }
}

export const proxy: Part = {
  title: 'FHIR proxy',
  async measure(options) {
    const server = startPinned('servers/proxy-upstream.js', [], { core: DRIVING_CORE })
    const { url: upstream } = await nextMessage<{ url: string }>(server)
    const reports: PartReport[] = []
    for (const framework of options.frameworks) {
      reports.push(await smallReads(framework, upstream, options))
      reports.push(await largeBodies(framework, upstream))
      reports.push(await otherRoutes(framework, upstream, options))
    }
    server.kill('SIGKILL')
    const remark =
      'A FHIR server that answers at once, on the core of the load generator. The peers lead each request there with a ' +
      'constant token: they look at no session, refuse nothing, and let the cookies pass. Ours finds the session, checks ' +
      'site and allow-list, filters headers, and rewrites links. `http-proxy-middleware` uses the client of Node, with ' +
      'connections kept open; `@fastify/reply-from` uses `undici.request`; `hono/proxy` uses `fetch`; ours uses the ' +
      'dispatcher of `fetch`.'
    return {
      goals: reports.flatMap(({ goals }) => goals),
      body: [remark, ...reports.map(({ body }) => body).filter((body) => body !== '')].join('\n\n'),
    }
  },
}
