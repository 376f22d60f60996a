import { describe, expect, it, vi } from 'vitest'
import { createFhirGuard, MissingContext } from '../../src/adapter.ts'
import { createSmartLaunch } from '../../src/index.ts'
import { createMapStore } from '../support/map-store.ts'
import { createNetworkStore, type Way } from '../support/network-store.ts'
import { openedSessions } from '../support/opened-sessions.ts'
import {
  EXPIRED_SECONDS,
  loggedIn,
  logOut,
  look,
  type PortalOptions,
  type PortalWorld,
  startPortal,
  startSecondInstance,
} from '../support/portal-world.ts'

const refreshes = (portal: PortalWorld) => portal.tokenRequests('refresh_token')

/** A portal whose store waits for no more than a fifth of a second. */
async function startAtNetworkStore(options: PortalOptions = {}) {
  const store = createNetworkStore()
  const portal = await startPortal({ session: { store, storeTimeoutSeconds: 0.2 }, ...options })
  const browser = await loggedIn(portal)
  const before = (await look(browser, portal.origin)).seen!
  return { store, portal, browser, before }
}

describe.each(['down', 'silent', 'late'] satisfies Way[])('while the store is %s', (way) => {
  it('a session is served from what was seen last, for up to 60 seconds; then it is a 503 that says when to come again', async () => {
    const { store, portal, browser, before } = await startAtNetworkStore()
    store.way = way
    expect((await look(browser, `${portal.origin}/read`)).seen).toEqual({ ...before, read: 200 })
    portal.advanceSeconds(59)
    expect((await look(browser, portal.origin)).seen).toEqual(before)
    portal.advanceSeconds(2)
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(portal.failures).toMatchObject([{ code: 'session_store_failed', status: 503 }])
    const request = { method: 'GET', url: '/', header: () => undefined }
    const handler = createSmartLaunch(portal.options)
    const answer = createFhirGuard()(new MissingContext(handler, portal.failures[0]), request)
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } })
    store.way = 'up'
    expect((await look(browser, portal.origin)).seen).toEqual(before)
  })

  it('what this process has not seen is a 503', async () => {
    const { store, portal, browser } = await startAtNetworkStore()
    const other = await startSecondInstance(portal)
    store.way = way
    expect((await look(browser, other.origin)).status).toBe(401)
    expect(other.failures).toMatchObject([{ code: 'session_store_failed', status: 503 }])
  })

  it('a logout says that it failed, and ends nothing', async () => {
    const { store, portal, browser } = await startAtNetworkStore()
    store.way = way
    const answer = await logOut(portal, browser)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await answer.json()).toMatchObject({ code: 'session_store_failed' })
    expect(portal.sandbox.requestsTo('/revoke')).toEqual([])
  })

  it('an expired token is not renewed, since its successor could not be kept: a 503, and no refresh', async () => {
    const { store, portal, browser } = await startAtNetworkStore()
    portal.advanceSeconds(EXPIRED_SECONDS - 30)
    await look(browser, portal.origin)
    store.way = way
    portal.advanceSeconds(31)
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(portal.failures).toMatchObject([{ code: 'token_unavailable', cause: { code: 'session_store_failed' } }])
    expect(refreshes(portal)).toEqual([])
    store.way = 'up'
    portal.advanceSeconds(6)
    // A claim that was carried out, although nobody heard of it, holds the session for its term.
    expect((await look(browser, portal.origin)).status).toBe(200)
    expect(refreshes(portal)).toHaveLength(1)
  })
})

describe('a logout in another process', () => {
  it('is seen when the store is back', async () => {
    const inner = createMapStore()
    const mine = createNetworkStore(inner)
    const portal = await startPortal({ session: { store: mine } })
    const browser = await loggedIn(portal)
    await look(browser, portal.origin)
    const other = await startSecondInstance(portal, { session: { store: createNetworkStore(inner) } })
    mine.way = 'down'
    const headers = { cookie: browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ') }
    await fetch(`${other.origin}/logout`, {
      method: 'POST',
      redirect: 'manual',
      headers: { ...headers, origin: portal.origin },
    })
    expect((await fetch(portal.origin, { headers })).status).toBe(200)
    mine.way = 'up'
    expect((await fetch(portal.origin, { headers })).status).toBe(401)
    mine.way = 'down'
    expect((await fetch(portal.origin, { headers })).status).toBe(401)
  })
})

describe('a rotated token that the store does not take', () => {
  it.each([
    ['refuses', 'down'],
    ['does not answer', 'silent'],
  ] satisfies [string, Way][])(
    'RFR-03 RFR-07 is offered again, where the store %s: it is kept, by one refresh',
    async (_, way) => {
      const { store, portal, browser, before } = await startAtNetworkStore()
      const issued: unknown[] = []
      portal.sandbox.fault({
        at: 'token',
        kind: 'json',
        times: 1,
        patch: (body) => {
          issued.push(body.access_token)
          store.way = way
        },
      })
      portal.advanceSeconds(EXPIRED_SECONDS)
      const looks = await Promise.all([look(browser, portal.origin), look(browser, portal.origin)])
      // Nobody waits for the store, nor uses a token that is not kept.
      expect(looks.map(({ seen }) => seen)).toEqual([null, null])
      expect(portal.failures).toMatchObject([
        { code: 'token_unavailable', status: 503, cause: { code: 'session_store_failed' } },
        { code: 'token_unavailable' },
      ])
      store.way = 'up'
      await portal.settled()
      const { seen } = await look(browser, portal.origin)
      expect(seen).toEqual({ ...before, accessToken: issued[0] })
      portal.advanceSeconds(EXPIRED_SECONDS)
      expect((await look(browser, portal.origin)).status).toBe(200)
      expect(refreshes(portal)).toHaveLength(2)
      expect(portal.sandbox.refreshReuseDetections).toBe(0)
    },
  )

  it('RFR-03 RFR-07 is kept though its writing failed twice, by one refresh', async () => {
    const { store, portal, browser } = await startAtNetworkStore()
    let writes = 0
    const { swap } = store
    // Only sessions are swapped from a value that is not the new one: a lock is renewed to itself.
    store.swap = async (key, expected, value, ttlSeconds) => {
      if (expected !== undefined && expected !== value && ++writes <= 2) throw new Error('connection lost')
      return swap(key, expected, value, ttlSeconds)
    }
    portal.advanceSeconds(EXPIRED_SECONDS)
    await look(browser, portal.origin)
    await portal.settled()
    expect((await look(browser, portal.origin)).status).toBe(200)
    expect(writes).toBe(3)
    expect(refreshes(portal)).toHaveLength(1)
  })

  it('RFR-03 is not written twice where the store took it and said so too late', async () => {
    const { store, portal, browser } = await startAtNetworkStore()
    const patch = () => {
      store.ways.swap = 'late'
    }
    portal.sandbox.fault({ at: 'token', kind: 'json', patch, times: 1 })
    portal.advanceSeconds(EXPIRED_SECONDS)
    await look(browser, portal.origin)
    await portal.settled()
    const sessions = await openedSessions(portal, store.inner)
    const { seen } = await look(browser, portal.origin)
    expect(sessions.map(({ launches }) => launches.map(({ accessToken }) => accessToken))).toEqual([
      [seen?.accessToken],
    ])
    delete store.ways.swap
    portal.advanceSeconds(EXPIRED_SECONDS)
    await vi.waitFor(async () => expect((await look(browser, portal.origin)).status).toBe(200), 8000)
    expect(refreshes(portal)).toHaveLength(2)
    expect(portal.sandbox.refreshReuseDetections).toBe(0)
  })

  it('is waited for by a runtime that ends a process when its answers are sent', async () => {
    const { store, portal, browser } = await startAtNetworkStore()
    const patch = () => {
      store.way = 'down'
    }
    portal.sandbox.fault({ at: 'token', kind: 'json', patch, times: 1 })
    portal.advanceSeconds(EXPIRED_SECONDS)
    const cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    const kept: Promise<unknown>[] = []
    const request = {
      ...{ method: 'GET', url: '/', header: (name: string) => (name === 'cookie' ? cookie : undefined) },
      waitUntil: (promise: Promise<unknown>) => void kept.push(promise),
    }
    const launch = createSmartLaunch(portal.options)
    await expect(launch.contextFor(request)).rejects.toMatchObject({ code: 'token_unavailable' })
    store.way = 'up'
    await Promise.all(kept)
    expect((await launch.contextFor(request))?.accessToken).toBeTypeOf('string')
    expect(refreshes(portal)).toHaveLength(1)
  })
})
