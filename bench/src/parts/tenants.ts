import { number, table } from '../support/markdown.ts'
import { DRIVING_CORE, nextMessage, runPinned, startPinned } from '../support/pinned-process.ts'
import type { Part } from '../support/report.ts'
import { spreadOf } from '../support/statistics.ts'
import { ask, atRate, logIn, type Tenant } from '../support/tenant-people.ts'

/** Of the honest tenant's people. */
const REQUESTS_PER_SECOND = 200
const PEOPLE = 50
/** Of the hostile tenant's. */
const HOSTILE_PER_SECOND = 200

interface Traffic {
  readonly milliseconds: readonly number[]
  readonly errors: number
}

interface Round extends Traffic {
  /** p99 of the app's event loop, in milliseconds. */
  readonly loopDelay: number
}

async function honestTraffic(tenant: Tenant, people: readonly string[], seconds: number): Promise<Traffic> {
  const milliseconds: number[] = []
  let errors = 0
  await atRate(REQUESTS_PER_SECOND, seconds, async (count) => {
    const reply = await ask(`${tenant.app}/patient`, people[count % people.length]).catch(() => undefined)
    if (reply?.status === 200) milliseconds.push(reply.milliseconds)
    else errors++
  })
  return { milliseconds, errors }
}

const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN

export const tenants: Part = {
  title: 'A hostile tenant beside an honest one',
  async measure({ rounds, seconds }) {
    const start = (kind: string) => startPinned('servers/hospital.js', [kind], { core: DRIVING_CORE })
    const servers = [start('honest'), start('hostile')] as const
    const [honestUrl = '', hostileUrl = ''] = await Promise.all(
      servers.map(async (server) => (await nextMessage<{ url: string }>(server)).url),
    )
    const process = startPinned('servers/tenants-app.js', [honestUrl, hostileUrl])
    const { url: app } = await nextMessage<{ url: string }>(process)
    const honest: Tenant = { app, fhirBaseUrl: honestUrl, clientId: 'honest' }
    const hostile: Tenant = { app, fhirBaseUrl: hostileUrl, clientId: 'hostile' }
    const people: string[] = []
    for (let person = 0; person < PEOPLE; person++) {
      const session = await logIn(honest)
      if (session === undefined) throw new Error('The login at the honest server failed.')
      people.push(session)
    }
    await honestTraffic(honest, people, 3) // until the engine has compiled what is measured
    const loopDelay = async () => {
      process.send('delay')
      return nextMessage<number>(process)
    }
    const alone: Round[] = []
    const beside: Round[] = []
    for (let round = 0; round < rounds; round++) {
      await loopDelay()
      alone.push({ ...(await honestTraffic(honest, people, seconds)), loopDelay: await loopDelay() })
      const attack = runPinned(
        'probes/hostile-people.js',
        [JSON.stringify(hostile), String(HOSTILE_PER_SECOND), String(seconds)],
        { core: DRIVING_CORE },
      )
      beside.push({ ...(await honestTraffic(honest, people, seconds)), loopDelay: await loopDelay() })
      await attack
    }
    for (const child of [process, ...servers]) child.kill('SIGKILL')
    const all = (found: readonly Round[]) => found.flatMap(({ milliseconds }) => milliseconds)
    const errors = (found: readonly Round[]) => found.reduce((sum, round) => sum + round.errors, 0)
    const p99 = [alone, beside].map((found) => percentile(all(found), 0.99)) as [number, number]
    const row = (title: string, found: readonly Round[]) => [
      title,
      number(all(found).length + errors(found)),
      String(errors(found)),
      ...[0.5, 0.95, 0.99, 0.999].map((share) => percentile(all(found), share).toFixed(1)),
      spreadOf(found.map((round) => round.loopDelay)).median.toFixed(1),
    ]
    const failed = errors(beside)
    const times = p99[1] / p99[0]
    return {
      goals: [
        {
          what: `Two tenants: errors of the honest one, ${REQUESTS_PER_SECOND} requests/s for ${rounds * seconds} s`,
          goal: 'none',
          found: String(failed),
          verdict: failed === 0 ? 'met' : 'missed',
        },
        {
          what: 'Two tenants: p99 of the honest one, with and without the hostile one',
          goal: '<= 1.5x',
          found: `${times.toFixed(2)}x`,
          verdict: times <= 1.5 ? 'met' : 'missed',
        },
      ],
      body: [
        table(
          [
            'people of the honest tenant',
            'requests',
            'errors',
            'p50, ms',
            'p95, ms',
            'p99, ms',
            'p99.9, ms',
            'event loop p99, ms',
          ],
          [row('alone', alone), row('beside the hostile tenant', beside)],
        ),
        `One process of Express 5 serves both. Each request of the honest tenant reads a Patient with the session's token, ` +
          `which is renewed every 40 s; ${PEOPLE} people ask in turn, whether the answers before have come or not. Beside ` +
          `them, the hostile tenant gets ${HOSTILE_PER_SECOND} requests/s: eight of ten are made-up callbacks, one is a ` +
          'login, one a page of somebody who is logged in there. Its server never answers, pours a body without an end, ' +
          'sends 8 MB, 200,000 brackets, 20,000 nested objects, HTML, a body that is cut off, or `Retry-After: 999999999`. The handler reads at most 1 MiB (`maxBytes` of `fhir.json`).',
      ].join('\n\n'),
    }
  },
}
