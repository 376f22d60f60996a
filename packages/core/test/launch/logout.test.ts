import { createUserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import { createMapStore } from '../support/map-store.ts'
import { CLINICIAN, loggedIn, look, type PortalWorld, startPortal } from '../support/portal-world.ts'

const isSession = ({ name }: { name: string }) => name === 'fhir-auth.session'
const logOut = (portal: PortalWorld, headers: Record<string, string> = { origin: portal.origin }) => ({
  method: 'POST',
  headers: { accept: 'application/json', ...headers },
})

describe('a session', () => {
  it('SEC-03 SEC-04 is an opaque 256-bit cookie, out of reach of scripts', async () => {
    const portal = await startPortal()
    const browser = await loggedIn(portal)
    const cookie = browser.cookies.find(isSession)!
    expect(cookie.value).toMatch(/^[\w-]{43}$/)
    expect(cookie).toMatchObject({ httpOnly: true, path: '/', sameSite: 'Lax', partitioned: false })
    const { seen } = await look(browser, portal.origin)
    for (const { value } of browser.cookies) expect(value).not.toContain(seen!.accessToken)
  })

  it('SEC-04 gets a new id at login: one that was planted before, or used before, opens nothing', async () => {
    const portal = await startPortal({}, { consent: 'auto' })
    const browser = createUserAgent()
    const planted = 'planted-by-somebody-who-wants-to-share-the-session'
    const cookie = (id: string) => ({ cookie: `fhir-auth.session=${id}` })
    const callback = await portal.callbackFor(browser)
    const login = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    const answer = await fetch(callback, {
      headers: { cookie: `${cookie(planted).cookie}; ${login}` },
      redirect: 'manual',
    })
    const [, first] = /fhir-auth\.session=([\w-]+)/.exec(answer.headers.getSetCookie().join())!
    expect(first).not.toBe(planted)
    expect((await fetch(portal.origin, { headers: cookie(planted) })).status).toBe(401)
    expect((await fetch(portal.origin, { headers: cookie(first!) })).status).toBe(200)

    const next = await portal.callbackFor(browser)
    const nextLogin = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    const again = await fetch(next, {
      headers: { cookie: `${cookie(first!).cookie}; ${nextLogin}` },
      redirect: 'manual',
    })
    const [, second] = /fhir-auth\.session=([\w-]+)/.exec(again.headers.getSetCookie().join())!
    expect(second).not.toBe(first)
    expect((await fetch(portal.origin, { headers: cookie(first!) })).status).toBe(401)
    expect((await fetch(portal.origin, { headers: cookie(second!) })).status).toBe(200)
  })

  it('ends after its lifetime, whatever its token', async () => {
    const portal = await startPortal({ session: { lifetimeSeconds: 60 } })
    const browser = await loggedIn(portal)
    portal.advanceSeconds(59)
    expect((await look(browser, portal.origin)).status).toBe(200)
    portal.advanceSeconds(2)
    expect((await look(browser, portal.origin)).status).toBe(401)
  })

  it('SEC-04 RFR-09 is in a shared store under a hash and sealed: the store sees neither id, token nor patient', async () => {
    const store = createMapStore()
    const portal = await startPortal({ session: { store } })
    const browser = await loggedIn(portal)
    const { seen } = await look(browser, portal.origin)
    const shown = JSON.stringify(store.calls)
    const secrets = [browser.cookies.find(isSession)!.value, seen!.accessToken, seen!.patient!, 'refreshToken']
    for (const secret of secrets) expect(shown).not.toContain(secret)
  })
})

describe('a logout', () => {
  it('REV-01 ends the session here, removes its cookie and revokes the refresh token', async () => {
    const portal = await startPortal()
    const browser = await loggedIn(portal)
    const kept = browser.cookies.find(isSession)!.value
    const answer = await browser.request(`${portal.origin}/logout`, logOut(portal))
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe('/')
    expect(browser.cookies.some(isSession)).toBe(false)
    const headers = { cookie: `fhir-auth.session=${kept}` }
    expect((await fetch(portal.origin, { headers })).status).toBe(401)
    const [revocation] = portal.sandbox.requestsTo('/revoke')
    expect(revocation?.form.get('token_type_hint')).toBe('refresh_token')
    expect(revocation?.headers.authorization).toMatch(/^Basic /)
    expect(revocation?.status).toBe(200)
  })

  it('revokes each launch of the session', async () => {
    const portal = await startPortal()
    const browser = createUserAgent()
    for (const { id: patient } of portal.sandbox.patients.slice(0, 3)) {
      await browser.signIn(`${portal.origin}/login`, { user: CLINICIAN, patient })
    }
    await browser.request(`${portal.origin}/logout`, logOut(portal))
    const tokens = portal.sandbox.requestsTo('/revoke').map(({ form }) => form.get('token'))
    expect(new Set(tokens).size).toBe(3)
  })

  it.each(['reset', 'status'] as const)('REV-03 ends the session even if revocation fails: %s', async (kind) => {
    const portal = await startPortal()
    const browser = await loggedIn(portal)
    const kept = browser.cookies.find(isSession)!.value
    portal.sandbox.fault(kind === 'reset' ? { at: 'revocation', kind } : { at: 'revocation', kind, status: 503 })
    expect((await browser.request(`${portal.origin}/logout`, logOut(portal))).status).toBe(303)
    expect((await fetch(portal.origin, { headers: { cookie: `fhir-auth.session=${kept}` } })).status).toBe(401)
  })

  it.each([
    ['another site', { origin: 'https://evil.example' }],
    ['another port of this host', { origin: 'http://127.0.0.1:1' }],
    ['nowhere', { origin: 'null' }],
    ['a request without an Origin', {}],
    ['another site, by Fetch Metadata', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['a sibling host, by Fetch Metadata', { origin: 'null', 'sec-fetch-site': 'same-site' }],
  ] as const)('SEC-04 is not for %s', async (_, headers) => {
    const portal = await startPortal()
    const browser = await loggedIn(portal)
    const answer = await browser.request(`${portal.origin}/logout`, logOut(portal, headers))
    expect(await answer.json()).toMatchObject({ code: 'cross_origin_request', status: 403 })
    expect((await look(browser, portal.origin)).status).toBe(200)
    expect(portal.sandbox.requestsTo('/revoke')).toEqual([])
  })

  it('is for a page of the app that sends no referrer, whose Origin browsers make null', async () => {
    const portal = await startPortal()
    const browser = await loggedIn(portal)
    const headers = { origin: 'null', 'sec-fetch-site': 'same-origin' }
    expect((await browser.request(`${portal.origin}/logout`, logOut(portal, headers))).status).toBe(303)
    expect((await look(browser, portal.origin)).status).toBe(401)
  })

  it('is no GET: a link or image cannot log a person out', async () => {
    const portal = await startPortal()
    const browser = await loggedIn(portal)
    const answer = await browser.request(`${portal.origin}/logout`, { headers: { origin: portal.origin } })
    expect(answer.status).toBe(405)
    expect((await look(browser, portal.origin)).status).toBe(200)
  })

  it('is harmless when nobody is logged in', async () => {
    const portal = await startPortal()
    const answer = await createUserAgent().request(`${portal.origin}/logout`, logOut(portal))
    expect(answer.status).toBe(303)
    expect(portal.outbound).toEqual([])
  })
})
