import { createUserAgent, type UserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import { cookieStore, type Problem } from '../../src/index.ts'
import { createMapStore } from '../support/map-store.ts'
import { logOut, look, newSecret, type PortalWorld, startPortal, startSecondInstance } from '../support/portal-world.ts'

const AUTO = { consent: 'auto' } as const
const json = { headers: { accept: 'application/json' } }
const problemOf = async (browser: UserAgent, url: URL | string, headers: Record<string, string> = {}) =>
  (await (await browser.request(url, { headers: { ...json.headers, ...headers } })).json()) as Problem
const atPage = (portal: PortalWorld, browser: UserAgent, returnTo = '/chart?a=1') =>
  portal.callbackFor(browser, `${portal.origin}/login?${new URLSearchParams({ returnTo })}`)

const stores = [
  ['in memory', () => undefined],
  ['shared', createMapStore],
  ['of cookies', cookieStore],
] as const

describe.each(stores)('a callback that comes again, with a store %s,', (_, store) => {
  const start = () => startPortal({ session: { store: store() } }, AUTO)

  it('STATE-03 leads the browser that has logged in by it to where it led before', async () => {
    const portal = await start()
    const browser = createUserAgent()
    const callback = await atPage(portal, browser)
    const first = await browser.request(callback)
    for (let repeat = 0; repeat < 3; repeat++) {
      const again = await browser.request(callback)
      expect([again.status, again.headers.get('location')]).toEqual([303, first.headers.get('location')])
      expect(again.headers.getSetCookie()).toEqual([])
    }
    expect(portal.tokenRequests()).toHaveLength(1)
  })

  it('STATE-03 leads it home, to its launch, when where it led is forgotten', async () => {
    const portal = await startPortal({ session: { store: store() } }, { ...AUTO, accessTokenSeconds: 3600 })
    const browser = createUserAgent()
    const callback = await atPage(portal, browser)
    await browser.request(callback)
    portal.advanceSeconds(601)
    const again = await browser.request(callback)
    expect([again.status, again.headers.get('location')]).toEqual([
      303,
      expect.stringMatching(/^\/\?launch_id=[\w-]{22}$/),
    ])
    expect((await look(browser, new URL(again.headers.get('location') ?? '', portal.origin).href)).status).toBe(200)
    expect(portal.tokenRequests('authorization_code')).toHaveLength(1)
  })

  it('STATE-03 is refused once the person has logged out', async () => {
    const portal = await start()
    const browser = createUserAgent()
    const callback = await atPage(portal, browser)
    await browser.request(callback)
    await logOut(portal, browser)
    expect(await problemOf(browser, callback)).toMatchObject({ status: 400, code: 'transaction_used' })
    expect((await look(browser, portal.origin)).status).toBe(401)
  })

  it('STATE-02 lets no other browser in, whatever session that one has', async () => {
    const portal = await start()
    const [browser, stranger] = [createUserAgent(), createUserAgent()]
    const callback = await atPage(portal, browser)
    const kept = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    await browser.request(callback)
    await stranger.visit(await portal.callbackFor(stranger))
    for (const headers of [{}, { cookie: kept }]) {
      const answer = await stranger.request(callback, { headers: { ...json.headers, ...headers } })
      expect(await answer.json()).toMatchObject({ status: 400, code: 'transaction_used' })
      expect(answer.headers.getSetCookie().filter((cookie) => cookie.includes('session'))).toEqual([])
    }
    expect(portal.tokenRequests()).toHaveLength(2)
  })

  it('TOK-06 does not send a code again that was refused, while another callback is under way or after', async () => {
    const portal = await start()
    const browser = createUserAgent()
    const callback = await atPage(portal, browser)
    const kept = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    portal.sandbox.fault({ at: 'token', kind: 'status', status: 400, body: '{"error":"invalid_grant"}', times: 1 })
    const problems = await Promise.all([1, 2, 3].map(() => problemOf(browser, callback)))
    expect(problems.map(({ code }) => code).sort()).toEqual([
      'token_request_refused',
      'transaction_used',
      'transaction_used',
    ])
    expect(await problemOf(browser, callback)).toMatchObject({ code: 'transaction_used' })
    expect(await problemOf(browser, callback, { cookie: kept })).toMatchObject({ code: 'transaction_used' })
    expect(portal.tokenRequests()).toHaveLength(1)
  })
})

describe('a callback whose login is not in this browser', () => {
  const detailOf = async (...call: Parameters<typeof problemOf>) => {
    const problem = await problemOf(...call)
    expect(problem).toMatchObject({ status: 400, code: 'state_mismatch' })
    return problem.detail
  }

  it('STATE-02 says that no cookie came at all', async () => {
    const portal = await startPortal({}, AUTO)
    const callback = await portal.callbackFor(createUserAgent())
    expect(await detailOf(createUserAgent(), callback)).toMatch(/without a cookie.*blocks.*session\.sameSite/)
  })

  it('STATE-02 says that this browser has not started it', async () => {
    const portal = await startPortal({}, AUTO)
    const callback = await portal.callbackFor(createUserAgent())
    const cookie = 'theme=dark'
    expect(await detailOf(createUserAgent(), callback, { cookie })).toMatch(/did not start this login/)
  })

  it('STATE-02 says that processes have different secrets', async () => {
    const portal = await startPortal({}, AUTO)
    const other = await startSecondInstance(portal, { session: { secret: newSecret() } })
    const browser = createUserAgent()
    const { href } = await portal.callbackFor(browser)
    expect(await detailOf(browser, href.replace(portal.origin, other.origin))).toMatch(/another session\.secret/)
  })

  it('STATE-02 says that the login began at another host, and at which one it belongs', async () => {
    const portal = await startPortal({}, AUTO)
    const browser = createUserAgent()
    const elsewhere = `${portal.origin.replace('127.0.0.1', 'localhost')}/login`
    const callback = await portal.callbackFor(browser, elsewhere)
    const { host } = new URL(portal.origin)
    const detail = await detailOf(browser, callback)
    expect(detail).toContain(`another host than ${host}`)
    expect(detail).toContain(`Open the app at ${portal.origin}`)
  })

  it.each([
    ['a proxy that writes a host of its own into every request', { host: 'app.internal:8080' }, /without a cookie/],
    [
      'a proxy that says which host was asked for',
      { host: 'app.internal', 'x-forwarded-host': 'OWN' },
      /without a cookie/,
    ],
  ])('STATE-02 does not blame the host behind %s', async (_, headers, text) => {
    const portal = await startPortal({}, AUTO)
    const { host } = new URL(portal.origin)
    const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('OWN', host)]))
    const login = await createUserAgent().request(`${portal.origin}/login`, { headers: sent })
    const authorization = await fetch(login.headers.get('location') ?? '', { redirect: 'manual' })
    expect(await detailOf(createUserAgent(), authorization.headers.get('location') ?? '', sent)).toMatch(text)
  })

  it('STATE-04 says that it took too long, and forgets it', async () => {
    const portal = await startPortal({}, AUTO)
    const browser = createUserAgent()
    const callback = await portal.callbackFor(browser)
    portal.advanceSeconds(601)
    expect(await problemOf(browser, callback)).toMatchObject({ status: 400, code: 'transaction_expired' })
    expect(browser.cookies).toEqual([])
  })
})

describe('callbacks of a login that nobody finishes', () => {
  it('SEC-05 leave nothing in the store: an answer that is refused before its code counts is not remembered', async () => {
    const store = createMapStore()
    const portal = await startPortal({ session: { store } }, AUTO)
    for (const change of [
      (query: URLSearchParams) => query.set('iss', 'https://evil.example'),
      (query: URLSearchParams) => query.set('error', 'access_denied'),
      (query: URLSearchParams) => query.delete('code'),
      (query: URLSearchParams) => query.set('state', 'made-up'),
    ]) {
      const browser = createUserAgent()
      const callback = await portal.callbackFor(browser)
      change(callback.searchParams)
      expect((await browser.request(callback, json)).status).toBeGreaterThanOrEqual(400)
    }
    expect([...store.values.keys()]).toEqual([])
  })

  it('SEC-05 leave one short mark each where a code was sent, for no longer than the login could take', async () => {
    const store = createMapStore()
    const portal = await startPortal({ session: { store } }, AUTO)
    const browser = createUserAgent()
    const callback = await portal.callbackFor(browser)
    callback.searchParams.set('code', 'made-up')
    portal.advanceSeconds(500)
    expect((await browser.request(callback, json)).status).toBe(502)
    expect([...store.values.values()].map(({ length }) => length)).toEqual([43])
    const [key] = store.values.keys()
    const kept = store.calls.find(([method, name]) => method === 'swap' && name === key)
    expect(Number(kept?.at(-1))).toBeLessThanOrEqual(101)
  })
})
