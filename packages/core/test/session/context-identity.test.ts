import { describe, expect, it, vi } from 'vitest'
import { bothStores, createMapStore } from '../support/map-store.ts'
import { createNetworkStore } from '../support/network-store.ts'
import {
  CLINICIAN,
  EXPIRED_SECONDS,
  loggedIn,
  look,
  startPortal,
  startSecondInstance,
} from '../support/portal-world.ts'

describe.each(bothStores)('the context of a token, with a store %s,', (_, store) => {
  it('is one object for all requests, and another one for the next token', async () => {
    const portal = await startPortal({ session: { store: store() } })
    const browser = await loggedIn(portal)
    const first = await portal.contextOf(browser)
    expect(await portal.contextOf(browser, '/elsewhere')).toBe(first)
    portal.advanceSeconds(EXPIRED_SECONDS)
    const contexts = await Promise.all([1, 2, 3].map(() => portal.contextOf(browser)))
    expect(new Set(contexts).size).toBe(1)
    expect(contexts[0]).not.toBe(first)
    expect(contexts[0]?.accessToken).not.toBe(first?.accessToken)
    expect(await portal.contextOf(browser)).toBe(contexts[0])
  })

  it('stays the same when another launch of the session is refreshed, and when the session is touched', async () => {
    const portal = await startPortal({ session: { store: store() } }, { accessTokenSeconds: 3600 })
    const [first, second] = portal.sandbox.patients.map(({ id }) => id)
    const browser = await loggedIn(portal, first)
    const { launchId } = (await portal.contextOf(browser))!
    const patch = (body: Record<string, unknown>) => ({ ...body, expires_in: 100 })
    portal.sandbox.fault({ at: 'token', kind: 'json', patch, times: 1 })
    const page = await browser.signIn(`${portal.origin}/login`, { user: CLINICIAN, patient: second })
    const before = await portal.contextOf(browser, `/?launch_id=${launchId}`)
    portal.advanceSeconds(600)
    // Its token has run out, and a tenth of the idle time has passed.
    expect((await portal.contextOf(browser, new URL(page.url).search))?.patient).toBe(second)
    expect(portal.tokenRequests('refresh_token')).toHaveLength(1)
    expect(await portal.contextOf(browser, `/?launch_id=${launchId}`)).toBe(before)
  })

  it('serves a handler that still runs when its browser logs in again: it gets tokens as long as the launch lives', async () => {
    const portal = await startPortal({ session: { store: store() } })
    const browser = await loggedIn(portal, portal.sandbox.patients[0]!.id)
    const context = (await portal.contextOf(browser))!
    for (const { id: patient } of portal.sandbox.patients.slice(1, 4)) {
      await browser.signIn(`${portal.origin}/login`, { user: CLINICIAN, patient })
    }
    expect((await context.fetch(`Patient/${context.patient}`)).status).toBe(200)
    portal.advanceSeconds(EXPIRED_SECONDS)
    expect((await context.fetch(`Patient/${context.patient}`)).status).toBe(200)
    const newest = await portal.contextOf(browser, `/?launch_id=${context.launchId}`)
    expect(newest?.patient).toBe(context.patient)
    expect(portal.tokenRequests('refresh_token')).toHaveLength(1)
  })
})

describe('the context of a token in a shared store', () => {
  it('stays the same when another process touches the session', async () => {
    const store = createMapStore()
    const portal = await startPortal({ session: { store } }, { accessTokenSeconds: 3600 })
    const other = await startSecondInstance(portal)
    const browser = await loggedIn(portal)
    const context = await portal.contextOf(browser)
    const values = () => [...store.values.values()].join()
    const before = values()
    portal.advanceSeconds(600)
    expect((await look(browser, other.origin)).status).toBe(200)
    await vi.waitFor(() => expect(values()).not.toBe(before))
    expect(await portal.contextOf(browser)).toBe(context)
  })

  it('is read in one round trip per request', async () => {
    const store = createNetworkStore()
    const portal = await startPortal({ session: { store } })
    const browser = await loggedIn(portal)
    const before = { ...store.counts }
    for (let i = 0; i < 5; i++) await portal.contextOf(browser)
    expect(store.counts).toEqual({ ...before, get: before.get + 5 })
  })
})
