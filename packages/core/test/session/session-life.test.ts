import { describe, expect, it } from 'vitest'
import { bothStores, createMapStore } from '../support/map-store.ts'
import { openedSessions } from '../support/opened-sessions.ts'
import { CLINICIAN, loggedIn, look, startPortal } from '../support/portal-world.ts'

const HOUR = 3600
/** So that no token ends before the session does. */
const LONG_TOKENS = { accessTokenSeconds: 24 * HOUR }

describe.each(bothStores)('a session, with a store %s,', (_, store) => {
  it('ends after an hour without a request', async () => {
    const portal = await startPortal({ session: { store: store() } }, LONG_TOKENS)
    const browser = await loggedIn(portal)
    portal.advanceSeconds(HOUR - 1)
    expect((await look(browser, portal.origin)).status).toBe(200)
    portal.advanceSeconds(HOUR + 1)
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(portal.failures).toEqual([])
  })

  it('lives on while it is used, up to eight hours and not longer', async () => {
    const portal = await startPortal({ session: { store: store() } }, LONG_TOKENS)
    const browser = await loggedIn(portal)
    for (let minutes = 50; minutes < 480; minutes += 50) {
      portal.advanceSeconds(50 * 60)
      expect((await look(browser, portal.origin)).status, `after ${minutes} minutes`).toBe(200)
      await portal.settled()
    }
    portal.advanceSeconds(31 * 60)
    expect((await look(browser, portal.origin)).status).toBe(401)
  })

  it('another login in the browser moves the end of no launch that was there', async () => {
    // Without openid: an id_token of the sandbox's own clock would have expired.
    const scope = 'launch/patient patient/*.rs'
    const portal = await startPortal({ scope, session: { store: store(), idleSeconds: 48 * HOUR } }, LONG_TOKENS)
    const [first, second] = portal.sandbox.patients.map(({ id }) => id)
    const browser = await loggedIn(portal, first)
    const { launchId } = (await look(browser, portal.origin)).seen!
    portal.advanceSeconds(7 * HOUR)
    const page = await browser.signIn(`${portal.origin}/login`, { patient: second, user: CLINICIAN })
    expect((await look(browser, `${portal.origin}/?launch_id=${launchId}`)).seen?.patient).toBe(first)
    portal.advanceSeconds(HOUR + 1)
    expect((await look(browser, `${portal.origin}/?launch_id=${launchId}`)).status).toBe(401)
    expect((await look(browser, page.url)).seen?.patient).toBe(second)
  })

  it.each([
    [{ lifetimeSeconds: 60 }, 60],
    [{ idleSeconds: 60 }, 60],
    [{ idleSeconds: 600, lifetimeSeconds: 60 }, 60],
  ])('ends by the limits that the app sets: %j', async (limits, seconds) => {
    const portal = await startPortal({ session: { store: store(), ...limits } })
    const browser = await loggedIn(portal)
    portal.advanceSeconds(seconds - 1)
    expect((await look(browser, portal.origin)).status).toBe(200)
    portal.advanceSeconds(seconds + 1)
    expect((await look(browser, portal.origin)).status).toBe(401)
  })

  it('keeps its token, and the context of it, when it is touched', async () => {
    const portal = await startPortal({ session: { store: store() } }, LONG_TOKENS)
    const browser = await loggedIn(portal)
    const { seen } = await look(browser, portal.origin)
    portal.advanceSeconds(HOUR / 2)
    expect((await look(browser, portal.origin)).seen).toEqual(seen)
    await portal.settled()
    portal.advanceSeconds(HOUR - 60)
    expect((await look(browser, portal.origin)).seen).toEqual(seen)
  })
})

describe('a session in a shared store', () => {
  it('is written again when a tenth of its idle time has passed, not at every request', async () => {
    const store = createMapStore()
    const portal = await startPortal({ session: { store } }, LONG_TOKENS)
    const browser = await loggedIn(portal)
    const [before] = await openedSessions(portal, store)
    const writes = () => store.calls.filter(([method]) => method === 'set' || method === 'swap').length
    const atLogin = writes()
    for (let i = 0; i < 5; i++) {
      portal.advanceSeconds(HOUR / 60)
      await look(browser, portal.origin)
    }
    expect(writes()).toBe(atLogin)
    portal.advanceSeconds(HOUR / 60)
    await look(browser, portal.origin)
    await portal.settled()
    expect(writes()).toBe(atLogin + 1)
    const [after] = await openedSessions(portal, store)
    expect(after!.expiresAt - before!.expiresAt).toBeGreaterThanOrEqual(360_000)
    expect(after).toEqual({ ...before, expiresAt: after!.expiresAt })
  })

  it('is kept there for its idle time, and at its end for no longer than it may last', async () => {
    const store = createMapStore()
    const portal = await startPortal({ session: { store, lifetimeSeconds: 1.5 * HOUR } }, LONG_TOKENS)
    const browser = await loggedIn(portal)
    const ttls = () => store.calls.filter(([, , , value]) => value?.includes('..')).map((call) => Number(call[4]))
    const kept = store.calls.filter(([method]) => method === 'set').map((call) => call[3])
    // The session, and for as long as a login may take where it has led to.
    expect(kept).toEqual([String(HOUR), '600'])
    portal.advanceSeconds(HOUR - 60)
    await look(browser, portal.origin)
    await portal.settled()
    expect(ttls()).toHaveLength(1)
    expect(ttls()[0]).toBeGreaterThan(HOUR / 2)
    expect(ttls()[0]).toBeLessThanOrEqual(HOUR / 2 + 60)
  })
})
