import { setTimeout as sleep } from 'node:timers/promises'
import { redisIsMissing } from '@fhir-auth/conformance'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBrowserSession } from './browser-session.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { reportOf } from './load-report.ts'
import { killAgainAndAgain, leftUnfinished, pauseRedis, restartRedis, undisturbed } from './scenarios.ts'
import { startTraffic } from './traffic.ts'

const TOKEN_SECONDS = 5
const SESSIONS = 20

async function startedFleet(processes = 3): Promise<Fleet> {
  const fleet = await startFleet({ processes, accessTokenSeconds: TOKEN_SECONDS })
  onTestFinished(() => fleet.close())
  return fleet
}

async function runTraffic<T>(fleet: Fleet, disturb: (fleet: Fleet) => Promise<T>) {
  const traffic = await startTraffic(fleet, SESSIONS)
  const result = await disturb(fleet)
  return { result, report: reportOf(fleet, traffic, await traffic.end()) }
}

describe.skipIf(redisIsMissing({ mustBeStarted: true }))('several processes on one Redis', { timeout: 90_000 }, () => {
  it('RFR-04 renew each token by one refresh, and lose nobody', async () => {
    const fleet = await startedFleet()
    const seconds = 12
    const { report } = await runTraffic(fleet, () => undisturbed(fleet, seconds))
    expect(report).toMatchObject({ lost: [], failures: [], serverErrors: 0, reuseDetections: 0, there: SESSIONS })
    expect(report.requests).toMatchObject({ unavailable: 0, login: 0, failed: 0 })
    // A period is the life of one token. Each that is over was ended by one refresh, and no refresh was for nothing.
    expect(report.refreshGrants).toBe(report.renewals)
    expect(report.renewedOnce).toBe(report.renewals)
    for (const { issues, grantsPerPeriod } of fleet.ledger.bySession().values()) {
      expect(grantsPerPeriod).toEqual([...Array(issues - 1).fill(1), 0])
      expect(issues).toBeGreaterThan(1)
    }
  })

  it('RFR-04 go on when one is killed again and again: whose refresh it had begun logs in again, nobody else', async () => {
    const fleet = await startedFleet()
    const { report, result: kills } = await runTraffic(fleet, () => killAgainAndAgain(fleet, 10))
    expect(kills.length).toBeGreaterThan(1)
    expect(report).toMatchObject({ failures: [], serverErrors: 0, there: SESSIONS })
    expect(report.lost.filter((login) => !kills.some(({ pid }) => leftUnfinished(fleet, pid, login)))).toEqual([])
    expect(report.lost.filter(({ isClean }) => !isClean)).toEqual([])
    expect(report.reuseDetections).toBe(report.lost.length)
  })

  it.each([
    ['stands still for 6 s', (fleet: Fleet) => pauseRedis(fleet, 5, 6)],
    ['is killed and restarted', (fleet: Fleet) => restartRedis(fleet, 5, 6)],
  ])('RFR-03 RFR-07 answer or say when to come again while Redis %s, and lose nobody', async (_, disturb) => {
    const fleet = await startedFleet(2)
    const { report } = await runTraffic(fleet, disturb)
    expect(report).toMatchObject({ lost: [], failures: [], reuseDetections: 0, there: SESSIONS })
    expect(report.requests).toMatchObject({ login: 0, failed: 0 })
    expect(report.requests.unavailable).toBeGreaterThan(0)
  })
})

describe.skipIf(redisIsMissing({ mustBeStarted: true }))('an answer that comes after the lock was lost', () => {
  it('ends the one session whose refresh token was used twice, with a login', { timeout: 60_000 }, async () => {
    const fleet = await startedFleet(2)
    const [holder, other] = fleet.processes
    const [session, bystander] = [await openBrowserSession(fleet, 0), await openBrowserSession(fleet, 1)]
    // The server has rotated the refresh token, and its answer is on its way when the holder stops.
    fleet.ledger.delayAnswers(2)
    await sleep(TOKEN_SECONDS * 1000)
    const late = session.request('/whoami', 'program', holder)
    while (fleet.ledger.refreshRequests().length === 0) await sleep(10)
    holder?.pause()
    fleet.ledger.delayAnswers(0)
    const answer = await session.request('/whoami', 'program', other)
    expect(answer.outcome).toBe('login')
    holder?.resume()
    // It finds the session ended, and does not bring it back with tokens that are worth nothing.
    expect((await late).outcome).toBe('login')
    expect((await session.request('/whoami', 'program')).outcome).toBe('login')
    expect(await session.isSentToLogin()).toBe(true)
    expect(fleet.sandbox.refreshReuseDetections).toBe(1)
    expect((await bystander.request('/read', 'program')).outcome).toBe('served')
  })
})
