import { describe, expect, it, vi } from 'vitest'
import { createNetworkStore } from '../support/network-store.ts'
import { EXPIRED_SECONDS, loggedIn, look, startPortal } from '../support/portal-world.ts'

const moment: number = expect.any(Number)

describe('launch.health()', () => {
  it('knows nothing at the start, and says that as it is', async () => {
    const { launch, outbound } = await startPortal()
    expect(launch.health()).toEqual({ isHealthy: true, store: {}, logins: {}, refreshes: {}, servers: [] })
    expect(outbound).toEqual([])
  })

  it('tells of the last success and failure of logins and refreshes, and asks nobody', async () => {
    const portal = await startPortal()
    const { launch, sandbox } = portal
    const browser = await loggedIn(portal)
    expect(launch.health()).toMatchObject({ isHealthy: true, logins: { lastSuccessAt: moment }, refreshes: {} })
    await browser.request(`${portal.origin}/callback?code=x&state=unknown`)
    sandbox.fault({ at: 'token', kind: 'status', status: 503, times: 1 })
    portal.advanceSeconds(EXPIRED_SECONDS)
    await look(browser, portal.origin)
    const asked = portal.outbound.length
    const { isHealthy, logins, refreshes } = launch.health()
    expect(portal.outbound).toHaveLength(asked)
    expect(logins).toMatchObject({ lastSuccessAt: moment, lastFailure: { code: 'state_mismatch' } })
    expect(refreshes).toMatchObject({ lastFailureAt: moment, lastFailure: { code: 'token_request_refused' } })
    // The server's trouble, and a person's, are none of the app's: it can serve.
    expect(isHealthy).toBe(true)
    portal.advanceSeconds(6)
    await look(browser, portal.origin)
    expect(launch.health().refreshes.lastSuccessAt).toBeGreaterThan(refreshes.lastFailureAt ?? Number.POSITIVE_INFINITY)
  })

  it('is unhealthy while the store fails, and healthy when a probe has found it again', async () => {
    const store = createNetworkStore()
    const portal = await startPortal({ session: { store } })
    const browser = await loggedIn(portal)
    portal.advanceSeconds(1)
    store.way = 'down'
    await look(browser, portal.origin)
    expect(portal.launch.health()).toMatchObject({
      isHealthy: false,
      store: { lastSuccessAt: moment, lastFailureAt: moment, lastFailure: { code: 'session_store_failed' } },
    })
    portal.advanceSeconds(1)
    expect((await portal.launch.probe()).isHealthy).toBe(false)
    store.way = 'up'
    portal.advanceSeconds(1)
    expect(await portal.launch.probe()).toMatchObject({ isHealthy: true })
  })

  it('a probe asks each server anew, and tells which one does not answer', async () => {
    const portal = await startPortal()
    const { launch, sandbox } = portal
    const origin = { fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'portal' }
    expect((await launch.probe()).servers).toEqual([{ ...origin, lastSuccessAt: moment }])
    const asked = sandbox.requests.length
    for (const at of ['smart-configuration', 'openid-configuration', 'metadata'] as const) {
      sandbox.fault({ at, kind: 'status', status: 503 })
    }
    portal.advanceSeconds(1)
    const health = await launch.probe()
    expect(sandbox.requests.length).toBeGreaterThan(asked)
    expect(health.servers).toMatchObject([{ ...origin, lastFailure: { code: 'discovery_failed' } }])
    expect(health.isHealthy).toBe(true)
  })
})

it('RFR-03 launch.idle() waits for the refresh under way: what the server rotated is stored', async () => {
  const portal = await startPortal()
  const { launch, sandbox } = portal
  const browser = await loggedIn(portal)
  await launch.idle()
  sandbox.fault({ at: 'token', kind: 'slow', seconds: 0.5, times: 1 })
  portal.advanceSeconds(EXPIRED_SECONDS)
  const request = look(browser, portal.origin)
  await vi.waitFor(() => expect(portal.tokenRequests('refresh_token')).toHaveLength(1))
  expect(launch.health().refreshes.lastSuccessAt).toBeUndefined()
  await launch.idle()
  expect(launch.health().refreshes.lastSuccessAt).toEqual(moment)
  expect((await request).status).toBe(200)
})
