import { createUserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it, vi } from 'vitest'
import { hashedName } from '../../src/store/sealing.ts'
import { createEventLog } from '../support/event-log.ts'
import { createMapStore } from '../support/map-store.ts'
import { createNetworkStore } from '../support/network-store.ts'
import {
  EXPIRED_SECONDS,
  loggedIn,
  look,
  type PortalWorld,
  startPortal,
  startSecondInstance,
} from '../support/portal-world.ts'

const refreshes = (portal: PortalWorld) => portal.tokenRequests('refresh_token')
const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

/** Two processes of one portal, each with a way of its own to the same store, and a browser that is logged in. */
async function startTwo(sandboxOptions: Parameters<typeof startPortal>[1] = {}) {
  const inner = createMapStore()
  const stores = [createNetworkStore(inner), createNetworkStore(inner)] as const
  const { onEvent, outcomes: events } = createEventLog()
  const portal = await startPortal({ session: { store: stores[0] }, onEvent }, sandboxOptions)
  const other = await startSecondInstance(portal, { session: { store: stores[1] } })
  const browser = await loggedIn(portal)
  const { seen } = await look(browser, portal.origin)
  const lockName = await hashedName(`lock ${seen?.launchId}`)
  return { inner, stores, portal, other, browser, before: seen!, lockName, events }
}

describe('two processes of one app', () => {
  it('RFR-04 refresh once per period, whichever is asked, and both have the newest token', async () => {
    const { portal, other, browser } = await startTwo()
    for (let period = 1; period <= 4; period++) {
      portal.advanceSeconds(EXPIRED_SECONDS)
      const origins = Array.from({ length: 20 }, (_, index) => (index % 2 ? portal.origin : other.origin))
      const looks = await Promise.all(origins.map((origin) => look(browser, origin)))
      expect(new Set(looks.map(({ seen }) => seen?.accessToken)).size).toBe(1)
      expect(refreshes(portal)).toHaveLength(period)
    }
    expect(portal.sandbox.refreshReuseDetections).toBe(0)
  })

  it('do not undo each other: touches, refreshes and logins of one session at once lose nothing', async () => {
    const { portal, other, browser, before } = await startTwo({ consent: 'auto' })
    const patients = portal.sandbox.patients.map(({ id }) => id)
    const { launchId } = before
    for (let round = 1; round <= 5; round++) {
      portal.advanceSeconds(EXPIRED_SECONDS + 100)
      const launchUrl = `${portal.origin}/launch`
      const page = browser.visit(
        portal.sandbox.ehrLaunch({ launchUrl, patient: patients[round]!, user: `Patient/${before.patient}` }),
      )
      const origins = [portal.origin, other.origin, portal.origin, other.origin]
      await Promise.all([page, ...origins.map((origin) => look(browser, `${origin}/?launch_id=${launchId}`))])
      const { seen } = await look(browser, `${other.origin}/?launch_id=${launchId}`)
      expect(seen?.patient).toBe(before.patient)
      expect((await look(browser, (await page).url)).seen?.patient).toBe(patients[round])
    }
    expect(portal.sandbox.refreshReuseDetections).toBe(0)
  })

  it('RFR-04 go on with a token as soon as the other one has stored it, whatever becomes of its lock', async () => {
    const { inner, portal, other, browser, lockName } = await startTwo()
    // The holder can neither give it back, nor can anybody take it over.
    const { swap } = inner
    inner.swap = async (key, expected, ...rest) =>
      key === lockName && expected !== undefined ? false : swap(key, expected, ...rest)
    const remove = inner.delete
    inner.delete = async (key, expected) => {
      if (key === lockName) throw new Error('connection refused')
      await remove(key, expected)
    }
    portal.sandbox.fault({ at: 'token', kind: 'slow', seconds: 0.3 })
    portal.advanceSeconds(EXPIRED_SECONDS)
    const looks = await Promise.all([portal, other].map(({ origin }) => look(browser, origin)))
    expect(looks.map(({ status }) => status)).toEqual([200, 200])
    expect(new Set(looks.map(({ seen }) => seen?.accessToken)).size).toBe(1)
    expect(refreshes(portal)).toHaveLength(1)
    expect(inner.values.has(lockName)).toBe(true)
  })

  it('RFR-04 go on when the one that holds the lock dies: the other gets it after its term', async () => {
    const { inner, portal, other, browser, lockName } = await startTwo()
    // What a process leaves behind that was killed during a refresh.
    await inner.swap(lockName, undefined, 'whoever was killed', 60)
    portal.advanceSeconds(EXPIRED_SECONDS)
    const looks = [look(browser, portal.origin), look(browser, other.origin)]
    await wait(1)
    expect(refreshes(portal)).toEqual([])
    expect((await Promise.all(looks)).map(({ status }) => status)).toEqual([200, 200])
    expect(refreshes(portal)).toHaveLength(1)
    expect(inner.values.has(lockName)).toBe(false)
  })

  it('RFR-04 RFR-07 where both refresh, because the lock was lost while the server was slow: one result is kept', async () => {
    // A server that takes a refresh token twice, so that both have a token.
    const { inner, portal, other, browser, lockName } = await startTwo({ rotateRefreshTokens: false })
    const answers: unknown[] = []
    let isFirst = true
    const patch = async (body: Record<string, unknown>) => {
      const isSlow = isFirst
      isFirst = false
      answers.push(body.access_token)
      if (isSlow) await wait(1)
    }
    portal.sandbox.fault({ at: 'token', kind: 'json', patch })
    portal.advanceSeconds(EXPIRED_SECONDS)
    const slow = look(browser, portal.origin)
    await vi.waitFor(() => expect(answers).toHaveLength(1))
    inner.values.delete(lockName)
    const fast = await look(browser, other.origin)
    expect(answers).toHaveLength(2)
    expect(fast.seen?.accessToken).toBe(answers[1])
    // The slow one finds a newer token, and takes that.
    expect((await slow).seen?.accessToken).toBe(answers[1])
    const both = await Promise.all([portal, other].map(({ origin }) => look(browser, origin)))
    expect(both.map(({ seen }) => seen?.accessToken)).toEqual([answers[1], answers[1]])
    expect(refreshes(portal)).toHaveLength(2)
  })

  it('RFR-07 an invalid_grant for a refresh token that the other one has replaced meanwhile ends nothing', async () => {
    const { inner, stores, portal, browser, lockName, events } = await startTwo()
    let isAsked = false
    let answer = () => {}
    const answered = new Promise<void>((resolve) => {
      answer = resolve
    })
    // Loses the race at the server: the first to come has used the token up.
    const late = await startSecondInstance(portal, {
      session: { store: stores[1] },
      fetch: async (input, init) => {
        if (!String(input).endsWith('/token')) return fetch(input, init)
        isAsked = true
        await answered
        return Response.json({ error: 'invalid_grant' }, { status: 400 })
      },
    })
    portal.advanceSeconds(EXPIRED_SECONDS)
    const lateLook = look(browser, late.origin)
    await vi.waitFor(() => expect(isAsked).toBe(true))
    inner.values.delete(lockName)
    const { seen } = await look(browser, portal.origin)
    expect(seen?.accessToken).toBeTypeOf('string')
    answer()
    expect((await lateLook).seen).toEqual(seen)
    expect((await look(browser, portal.origin)).seen).toEqual(seen)
    expect(events.map(({ type }) => type)).toEqual(['login', 'refresh'])
  })

  it('STATE-03 exchange one code, when a callback reaches both', async () => {
    const { portal, other } = await startTwo({ consent: 'auto' })
    const browser = createUserAgent()
    const before = portal.tokenRequests().length
    const callback = await portal.callbackFor(browser)
    const urls = Array.from({ length: 6 }, (_, index) =>
      index % 2 ? callback.href : callback.href.replace(portal.origin, other.origin),
    )
    const answers = await Promise.all(urls.map((url) => browser.request(url)))
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(303))
    const sessions = answers.flatMap(({ headers }) => headers.getSetCookie())
    expect(sessions.filter((cookie) => cookie.startsWith('fhir-auth.session='))).toHaveLength(1)
    expect(portal.tokenRequests()).toHaveLength(before + 1)
  })
})
