import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from 'vitest'
import { openBrowserSession } from './browser-session.ts'
import { bundleWorker } from './bundle-worker.ts'
import { type Fleet, type FleetOptions, startFleet } from './fleet.ts'
import { reportOf } from './load-report.ts'
import { killAgainAndAgain, leftUnfinished, pauseStore, restartStore, undisturbed } from './scenarios.ts'
import { type StoreKind, storeKinds } from './shared-store.ts'
import { startTraffic } from './traffic.ts'

const TOKEN_SECONDS = 5
const SESSIONS = 20

let bundle: ReturnType<typeof bundleWorker>
beforeAll(() => {
  bundle = bundleWorker()
})
afterAll(() => bundle.remove())

type TestEnd = Pick<TestContext, 'onTestFinished'>

async function startedFleet(
  { onTestFinished }: TestEnd,
  store: StoreKind,
  options: Partial<FleetOptions> = {},
): Promise<Fleet> {
  const script = bundle.script
  const fleet = await startFleet({ script, store, processes: 3, accessTokenSeconds: TOKEN_SECONDS, ...options })
  onTestFinished(() => fleet.close())
  return fleet
}

async function runTraffic<T>(fleet: Fleet, disturb: (fleet: Fleet) => Promise<T>) {
  const traffic = await startTraffic(fleet, SESSIONS)
  const result = await disturb(fleet)
  return { result, report: reportOf(fleet, traffic, await traffic.end()) }
}

const setting = { timeout: 90_000 }

for (const store of Object.values(storeKinds)) {
  describe.skipIf(store.isMissing())(`on one ${store.title}`, () => {
    // What a machine of two cores can do at once: all of it with Redis, two at a time with PostgreSQL.
    const group = { ...setting, concurrent: store.name === 'redis' }

    describe('several processes', group, () => {
      it.concurrent('RFR-04 renew each token by one refresh, and lose nobody', async (test) => {
        const fleet = await startedFleet(test, store)
        const { report } = await runTraffic(fleet, () => undisturbed(fleet, 12))
        expect(report).toMatchObject({ lost: [], failures: [], serverErrors: 0, there: SESSIONS })
        expect(report.requests).toMatchObject({ unavailable: 0, login: 0, failed: 0 })
        // A period is the life of one token. Each that is over was ended by exactly one refresh; the last one is not over.
        await vi.waitFor(() => {
          for (const { issues, grantsPerPeriod } of fleet.ledger.bySession().values()) {
            expect(grantsPerPeriod).toEqual([...Array(issues - 1).fill(1), 0])
            expect(issues).toBeGreaterThan(1)
          }
        })
        expect(fleet.ledger.bySession().size).toBe(SESSIONS)
        expect(fleet.sandbox.refreshReuseDetections).toBe(0)
      })

      it.concurrent('RFR-04 go on when one is killed again and again: whose refresh it had begun logs in again, nobody else', async (test) => {
        const fleet = await startedFleet(test, store)
        const { report, result: kills } = await runTraffic(fleet, () => killAgainAndAgain(fleet, 10))
        expect(kills.length).toBeGreaterThan(1)
        expect(report).toMatchObject({ failures: [], serverErrors: 0, there: SESSIONS })
        expect(report.lost.filter((login) => !kills.some(({ pid }) => leftUnfinished(fleet, pid, login)))).toEqual([])
        expect(report.lost.filter(({ isClean }) => !isClean)).toEqual([])
        expect(report.reuseDetections).toBe(report.lost.length)
      })
    })

    describe('several processes', group, () => {
      it.concurrent.for<[string, (fleet: Fleet) => Promise<void>]>([
        ['stands still for 6 s', (fleet) => pauseStore(fleet, 5, 6)],
        ['is killed and restarted', (fleet) => restartStore(fleet, 5, 6)],
      ])('RFR-03 RFR-07 answer or say when to come again while it %s, and lose nobody', async ([, disturb], test) => {
        const fleet = await startedFleet(test, store, { processes: 2 })
        const { report } = await runTraffic(fleet, disturb)
        expect(report).toMatchObject({ lost: [], failures: [], reuseDetections: 0, there: SESSIONS })
        expect(report.requests).toMatchObject({ login: 0, failed: 0 })
        expect(report.requests.unavailable).toBeGreaterThan(0)
      })
    })

    // Here the store plays no part: one is enough.
    describe.runIf(store.name === 'redis')('a late answer of the authorization server', group, () => {
      it.concurrent('RFR-04 later than the term of the lock is waited for: its holder lives, and nobody refreshes beside it', async (test) => {
        const fleet = await startedFleet(test, store, { processes: 2 })
        const session = await openBrowserSession(fleet, 0)
        fleet.ledger.delayAnswers(7)
        await sleep(TOKEN_SECONDS * 1000)
        const answers = await Promise.all(
          fleet.processes.map((process) => session.request('/whoami', 'program', process)),
        )
        expect(answers.map(({ outcome }) => outcome)).toEqual(['served', 'served'])
        expect(fleet.sandbox.refreshReuseDetections).toBe(0)
      })

      it.concurrent('RFR-07 later than the time limit costs the session, where the server has rotated the token: a login', async (test) => {
        const fleet = await startedFleet(test, store, { processes: 2, timeoutSeconds: 2 })
        const [session, bystander] = [await openBrowserSession(fleet, 0), await openBrowserSession(fleet, 1)]
        fleet.ledger.delayAnswers(4)
        await sleep(TOKEN_SECONDS * 1000)
        const [first, second] = fleet.processes
        expect((await session.request('/whoami', 'program', first)).outcome).toBe('unavailable')
        fleet.ledger.delayAnswers(0)
        expect((await session.request('/whoami', 'program', second)).outcome).toBe('login')
        expect(await session.isSentToLogin()).toBe(true)
        expect(fleet.sandbox.refreshReuseDetections).toBe(1)
        expect((await bystander.request('/read', 'program')).outcome).toBe('served')
      })

      it.concurrent('after its process stood still costs the session, where another one has taken the lock: a login', async (test) => {
        const fleet = await startedFleet(test, store, { processes: 2 })
        const [holder, other] = fleet.processes
        const [session, bystander] = [await openBrowserSession(fleet, 0), await openBrowserSession(fleet, 1)]
        // The server has rotated the refresh token, and its answer is on its way when the holder stops.
        fleet.ledger.delayAnswers(2)
        await sleep(TOKEN_SECONDS * 1000)
        const late = session.request('/whoami', 'program', holder)
        while (fleet.ledger.refreshRequests().length === 0) await sleep(10)
        holder?.pause()
        fleet.ledger.delayAnswers(0)
        expect((await session.request('/whoami', 'program', other)).outcome).toBe('login')
        holder?.resume()
        // It finds the session ended, and does not bring it back with tokens that are worth nothing.
        expect((await late).outcome).toBe('login')
        expect((await session.request('/whoami', 'program')).outcome).toBe('login')
        expect(await session.isSentToLogin()).toBe(true)
        expect(fleet.sandbox.refreshReuseDetections).toBe(1)
        expect((await bystander.request('/read', 'program')).outcome).toBe('served')
      })
    })
  })
}
