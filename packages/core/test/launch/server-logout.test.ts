import { createUserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import { startServer } from '../support/http-server.ts'
import { bothStores } from '../support/map-store.ts'
import { EXPIRED_SECONDS, loggedIn, logOut, look, type PortalOptions, startPortal } from '../support/portal-world.ts'

/** A portal at a server with a place to log out, which the sandbox does not have itself. */
async function startWithLogout(options: PortalOptions = {}, path = '/logout') {
  const place = await startServer((_, response) => void response.end('logged out'))
  const endpoint = `${place.origin}${path}`
  const portal = await startPortal({ logoutAtServer: true, metadata: { end_session_endpoint: endpoint }, ...options })
  const tokens: string[] = []
  const patch = ({ id_token }: Record<string, unknown>) => void tokens.push(String(id_token))
  portal.sandbox.fault({ at: 'token', kind: 'json', patch })
  return { place, endpoint, portal, tokens }
}

describe.each(bothStores)('logoutAtServer, with a store %s,', (_, store) => {
  it('REV-01 ends the session here first, then sends the person to the place where the server logs out', async () => {
    const options = { session: { store: store() }, paths: { loggedOut: '/bye' } }
    const { endpoint, place, portal, tokens } = await startWithLogout(options)
    const browser = await loggedIn(portal)
    const answer = await logOut(portal, browser)
    expect(answer.status).toBe(303)
    const location = new URL(answer.headers.get('location')!)
    expect(location.origin + location.pathname).toBe(endpoint)
    expect(Object.fromEntries(location.searchParams)).toEqual({
      client_id: 'portal',
      id_token_hint: tokens[0],
      post_logout_redirect_uri: `${portal.origin}/bye`,
    })
    expect((await look(browser, portal.origin)).status).toBe(401)
    expect(portal.sandbox.requestsTo('/revoke').map(({ status }) => status)).toEqual([200])
    // The browser goes there, never this server.
    expect(place.requests).toEqual([])
    await browser.visit(location)
    expect(place.requests).toMatchObject([{ method: 'GET' }])
  })

  it('sends the newest id_token, where a refresh brought one', async () => {
    const { portal } = await startWithLogout({ session: { store: store() } })
    const { sandbox } = portal
    const browser = await loggedIn(portal)
    const { sub } = (await look(browser, portal.origin)).seen!
    const now = Math.floor(Date.now() / 1000)
    const newest = await sandbox.signIdToken({ iss: sandbox.issuer, aud: 'portal', sub, iat: now, exp: now + 3600 })
    sandbox.clearFaults()
    sandbox.fault({ at: 'token', kind: 'json', patch: (body) => ({ ...body, id_token: newest }), times: 1 })
    portal.advanceSeconds(EXPIRED_SECONDS)
    expect((await look(browser, portal.origin)).status).toBe(200)
    const location = new URL((await logOut(portal, browser)).headers.get('location')!)
    expect(location.searchParams.get('id_token_hint')).toBe(newest)
  })

  it('ends the session also when the server cannot be asked', async () => {
    const { portal } = await startWithLogout({ session: { store: store() } })
    const browser = await loggedIn(portal)
    for (const at of ['revocation', 'smart-configuration', 'openid-configuration'] as const) {
      portal.sandbox.fault({ at, kind: 'reset' })
    }
    expect((await logOut(portal, browser)).status).toBe(303)
    expect((await look(browser, portal.origin)).status).toBe(401)
  })
})

describe('logoutAtServer', () => {
  it('keeps the query that the place has', async () => {
    const { portal } = await startWithLogout({}, '/logout?tenant=a')
    const location = new URL((await logOut(portal, await loggedIn(portal))).headers.get('location')!)
    expect(location.searchParams.get('tenant')).toBe('a')
    expect(location.searchParams.get('client_id')).toBe('portal')
  })

  it('sends no hint where there was no id_token, but says who asks', async () => {
    const { portal } = await startWithLogout({ scope: 'launch/patient patient/*.rs' })
    const location = new URL((await logOut(portal, await loggedIn(portal))).headers.get('location')!)
    expect([...location.searchParams.keys()].sort()).toEqual(['client_id', 'post_logout_redirect_uri'])
  })

  it('lands in the app where the server has no such place, or nobody is logged in', async () => {
    const portal = await startPortal({ logoutAtServer: true, paths: { loggedOut: '/bye' } })
    expect((await logOut(portal, await loggedIn(portal))).headers.get('location')).toBe('/bye')
    const other = await startWithLogout({ paths: { loggedOut: '/bye' } })
    expect((await logOut(other.portal, createUserAgent())).headers.get('location')).toBe('/bye')
  })

  it('is off unless it is asked for: then no id_token is kept', async () => {
    const { portal } = await startWithLogout({ logoutAtServer: false, paths: { loggedOut: '/bye' } })
    expect((await logOut(portal, await loggedIn(portal))).headers.get('location')).toBe('/bye')
  })
})
