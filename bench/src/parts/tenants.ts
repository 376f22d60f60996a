import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { number, table } from '../support/markdown.ts'
import { DRIVING_CORE, nextMessage, startPinned } from '../support/pinned-process.ts'
import type { Part } from '../support/report.ts'
import { spreadOf } from '../support/statistics.ts'

/** Of the honest tenant's people. */
const REQUESTS_PER_SECOND = 200
const PEOPLE = 50
/** Of the hostile tenant: made-up callbacks, logins that its server then answers, and pages of people who are logged in. */
const HOSTILE_PER_SECOND = 200

interface Tenant {
  readonly app: string
  readonly fhirBaseUrl: string
  readonly clientId: string
}

interface Reply {
  readonly status: number
  readonly location: string | undefined
  readonly cookies: readonly string[]
  readonly milliseconds: number
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 })

function ask(url: string, cookie = ''): Promise<Reply> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { cookie, accept: 'application/json' } }, (response) => {
      response.resume()
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          cookies: (response.headers['set-cookie'] ?? []).map((line) => line.split(';', 1)[0] ?? ''),
          milliseconds: performance.now() - startedAt,
        }),
      )
    }).on('error', reject)
  })
}

/** Logs in by the two requests that a browser would make. Undefined if the login fails, as it may at a hostile server. */
async function logIn({ app, fhirBaseUrl, clientId }: Tenant): Promise<string | undefined> {
  const { location = '', cookies } = await ask(`${app}/login?iss=${encodeURIComponent(fhirBaseUrl)}`)
  if (!URL.canParse(location)) return undefined
  const state = new URL(location).searchParams.get('state') ?? ''
  const query = new URLSearchParams({ code: crypto.randomUUID(), state })
  const callback = await ask(`${app}/callback-${clientId}?${query}`, cookies.join('; '))
  return callback.cookies.find((pair) => pair.includes('session='))
}

/** Calls `act` so many times a second, whether the ones before have been answered or not. */
async function atRate(perSecond: number, seconds: number, act: (count: number) => Promise<unknown>): Promise<void> {
  const startedAt = performance.now()
  const running: Promise<unknown>[] = []
  for (let count = 0; count < perSecond * seconds; ) {
    const due = Math.min(perSecond * seconds, ((performance.now() - startedAt) / 1000) * perSecond)
    for (; count < due; count++) running.push(act(count))
    await sleep(2)
  }
  await Promise.all(running)
}

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

/** Made-up callbacks, logins, and pages of whoever was logged in. */
async function hostileTraffic(tenant: Tenant, seconds: number): Promise<void> {
  const sessions: string[] = []
  await atRate(HOSTILE_PER_SECOND, seconds, async (count) => {
    const act = async () => {
      if (count % 10 === 0) {
        const session = await logIn(tenant)
        if (session) sessions.push(session)
      } else if (count % 10 === 1 && sessions.length > 0) {
        await ask(`${tenant.app}/patient`, sessions[count % sessions.length])
      } else {
        await ask(`${tenant.app}/callback-${tenant.clientId}?code=x&state=${crypto.randomUUID()}`, 'a=b')
      }
    }
    await act().catch(() => {})
  })
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
      const attack = hostileTraffic(hostile, seconds)
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
