import { createUserAgent, type UserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it } from 'vitest'
import { type Store, smart } from '../../src/index.ts'
import { createEventLog } from '../support/event-log.ts'
import { startServer } from '../support/http-server.ts'
import { createMapStore } from '../support/map-store.ts'
import { unexpectedMarkup, XSS_PAYLOADS } from '../support/page-markup.ts'
import { look, type PortalWorld, startPortal } from '../support/portal-world.ts'

const AUTO = { consent: 'auto' } as const
const json = { headers: { accept: 'application/json' } }
const problemAt = async (browser: UserAgent, url: URL | string) => (await browser.request(url, json)).json()
const cookieHeader = (browser: UserAgent) => browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
const isSession = (cookie: string) => cookie.startsWith('fhir-auth.session=')
const isLogin = ({ name }: { name: string }) => name.startsWith('fhir-auth.login.')

/** A portal, and the callback of a login in this browser whose parameters the sandbox has changed. */
async function changedCallback(
  patch: (params: URLSearchParams) => void,
  options: Parameters<typeof startPortal>[0] = {},
) {
  const portal = await startPortal(options, AUTO)
  portal.sandbox.fault({ at: 'callback', kind: 'callback', patch })
  const browser = createUserAgent()
  return { portal, browser, callback: await portal.callbackFor(browser) }
}

describe('the state of a callback', () => {
  it.each([
    ['missing', () => undefined, 'invalid_callback'],
    ['altered', (state: string) => `x${state.slice(1)}`, 'state_mismatch'],
    ['extended', (state: string) => `${state}x`, 'state_mismatch'],
    ['extended by what a cookie name cannot have', (state: string) => `${state};=`, 'state_mismatch'],
  ])('STATE-02 STATE-05 must not be %s: no token request is made', async (_, change, code) => {
    const { portal, browser, callback } = await changedCallback((params) => {
      const changed = change(params.get('state')!)
      if (changed === undefined) params.delete('state')
      else params.set('state', changed)
    })
    expect(await problemAt(browser, callback)).toMatchObject({ code, status: 400 })
    expect(portal.tokenRequests()).toEqual([])
  })

  it('STATE-02 PKCE-03 belongs to one browser: a third party cannot complete the login, with its own session either', async () => {
    const portal = await startPortal({}, AUTO)
    const [victim, attacker] = [createUserAgent(), createUserAgent()]
    const callback = await portal.callbackFor(attacker)
    expect(await problemAt(victim, callback)).toMatchObject({ code: 'state_mismatch' })
    await victim.visit(await portal.callbackFor(victim))
    expect(await problemAt(victim, callback)).toMatchObject({ code: 'state_mismatch' })
    expect(portal.tokenRequests()).toHaveLength(1)
    // The victim's session is untouched, and the login is still the attacker's own.
    expect((await look(victim, portal.origin)).status).toBe(200)
    expect((await attacker.request(callback)).status).toBe(303)
  })

  it('STATE-05 is bound to its cookie: those of two logins cannot be swapped, nor one changed', async () => {
    const portal = await startPortal({}, AUTO)
    const browser = createUserAgent()
    const callback = await portal.callbackFor(browser)
    await portal.callbackFor(browser)
    const [first, second] = browser.cookies.filter(isLogin)
    const send = async (value: string) => {
      const headers = { accept: 'application/json', cookie: `${first!.name}=${value}` }
      return (await fetch(callback, { headers, redirect: 'manual' })).json()
    }
    const { value } = first!
    const middle = Math.floor(value.length / 2)
    const flipped = value.slice(0, middle) + (value[middle] === 'A' ? 'B' : 'A') + value.slice(middle + 1)
    for (const forged of [second!.value, flipped, value.slice(0, -4), '', 'x.y.z', `${value}=`]) {
      expect(await send(forged)).toMatchObject({ code: 'state_mismatch' })
    }
    expect(portal.tokenRequests()).toEqual([])
    // And whoever tries has not spoilt the login.
    expect((await browser.request(callback)).status).toBe(303)
  })

  it('PKCE-03 keeps verifier and nonce out of sight: the login cookie shows nothing of them', async () => {
    const portal = await startPortal({}, AUTO)
    const browser = createUserAgent()
    const callback = await portal.callbackFor(browser)
    const { name, value, httpOnly, path } = browser.cookies.find(isLogin)!
    expect(name).toContain(callback.searchParams.get('state'))
    expect([httpOnly, path]).toEqual([true, '/'])
    await browser.visit(callback)
    const verifier = portal.tokenRequests()[0]!.form.get('code_verifier')!
    const decoded = value.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))
    for (const part of [value, ...decoded]) expect(part).not.toContain(verifier)
  })

  const stores: [string, () => Store | undefined][] = [
    ['in memory', () => undefined],
    ['shared', createMapStore],
  ]
  it.each(stores)('STATE-03 works once, also for callbacks at the same time, with a store %s', async (_, store) => {
    const portal = await startPortal({ session: { store: store() } }, AUTO)
    const browser = createUserAgent()
    const callback = await portal.callbackFor(browser)
    // So that all have come before one is done, on a busy machine too.
    portal.sandbox.fault({ at: 'token', kind: 'slow', seconds: 1 })
    const answers = await Promise.all(Array.from({ length: 8 }, () => browser.request(callback, json)))
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(303))
    expect(new Set(answers.map(({ headers }) => headers.get('location')))).toEqual(new Set(['/']))
    expect(portal.tokenRequests()).toHaveLength(1)
    // One of them has the session, and only one.
    const sessions = answers.flatMap(({ headers }) => headers.getSetCookie().filter(isSession))
    expect(sessions).toHaveLength(1)
    expect((await look(browser, portal.origin)).status).toBe(200)
  })

  it.each(stores)(
    'STATE-03 cannot be replayed, by the browser or with its old cookie, with a store %s',
    async (_, store) => {
      const portal = await startPortal({ session: { store: store() } }, AUTO)
      const browser = createUserAgent()
      const callback = await portal.callbackFor(browser)
      const kept = cookieHeader(browser)
      await browser.visit(callback)
      expect(browser.cookies.some(isLogin)).toBe(false)
      // The browser that has logged in by it goes where it went before, and gets no other session.
      const again = await browser.request(callback, json)
      expect([again.status, again.headers.get('location'), again.headers.getSetCookie()]).toEqual([303, '/', []])
      const replay = await fetch(callback, {
        headers: { accept: 'application/json', cookie: kept },
        redirect: 'manual',
      })
      expect(await replay.json()).toMatchObject({ code: 'transaction_used' })
      expect(replay.headers.getSetCookie().filter(isSession)).toEqual([])
      expect(portal.tokenRequests()).toHaveLength(1)
      expect((await look(browser, portal.origin)).status).toBe(200)
    },
  )
})

describe('where a code goes', () => {
  it('CB-01 SEC-05 is the token endpoint of the login, although discovery names another one meanwhile', async () => {
    const evil = await startServer((_, response) => void response.end('{}'))
    const portal = await startPortal({}, AUTO)
    const browser = createUserAgent()
    const callback = await portal.callbackFor(browser)
    portal.sandbox.fault({
      at: 'smart-configuration',
      kind: 'json',
      patch: (body) => ({ ...body, token_endpoint: `${evil.origin}/token`, issuer: evil.origin }),
    })
    portal.advanceSeconds(120)
    expect((await browser.request(callback)).status).toBe(303)
    const fetched = portal.outbound.filter((url) => url.endsWith('/smart-configuration'))
    expect(fetched).toHaveLength(2)
    // Asked only whether it is the issuer that it is said to be.
    expect(evil.requests).toMatchObject([{ method: 'GET', url: '/.well-known/openid-configuration', body: '' }])
    expect(portal.tokenRequests()).toHaveLength(1)
  })
})

describe('the issuer of a callback (RFC 9207)', () => {
  it.each([
    ["another server's", (params: URLSearchParams) => params.set('iss', 'https://evil.example')],
    ['the FHIR base URL', (params: URLSearchParams) => params.set('iss', `${params.get('iss')}/fhir`)],
    ['missing, though promised', (params: URLSearchParams) => params.delete('iss')],
  ])('CB-02 CB-03 must not be %s, with a code or an error', async (_, patch) => {
    for (const isError of [false, true]) {
      const { portal, browser, callback } = await changedCallback((params) => {
        patch(params)
        if (isError) params.set('error', 'access_denied')
      })
      expect(await problemAt(browser, callback)).toMatchObject({ code: 'issuer_mismatch' })
      expect(portal.tokenRequests()).toEqual([])
    }
  })

  it('CB-03 is compared with the configured issuer where the server publishes another one', async () => {
    const { browser, callback } = await changedCallback((params) => params.set('iss', 'https://pinned.example'), {
      metadata: { issuer: 'https://pinned.example' },
      scope: 'launch/patient patient/*.rs',
    })
    expect((await browser.request(callback)).status).toBe(303)
  })
})

describe('the parameters of a callback', () => {
  it('CB-04 may be more than are known', async () => {
    const { browser, callback } = await changedCallback((params) => {
      for (const name of ['session_state', 'scope', 'scopes', 'scopes']) params.append(name, 'x y')
    })
    expect((await browser.request(callback)).status).toBe(303)
  })

  it.each(['code', 'state', 'iss'])('CB-05 must not have %s twice: no token request is made', async (name) => {
    const { portal, browser, callback } = await changedCallback((params) => params.append(name, params.get(name)!))
    expect(await problemAt(browser, callback)).toMatchObject({ code: 'invalid_callback' })
    expect(portal.tokenRequests()).toEqual([])
  })

  it('CB-06 with an error of the server end the login; its words are for the operator', async () => {
    const { portal, browser, callback } = await changedCallback((params) => {
      params.delete('code')
      params.set('error', 'invalid_scope')
      params.set('error_description', 'no such scope')
      params.set('error_uri', 'https://auth.example/errors/7')
    })
    const page = await browser.request(callback)
    expect(page.status).toBe(502)
    const text = await page.text()
    expect(text).not.toContain('no such scope')
    expect(text).toContain('href="https://auth.example/errors/7"')
    expect(text).toContain('href="/login"')
    expect(browser.cookies.some(isLogin)).toBe(false)
    expect(portal.tokenRequests()).toEqual([])
  })

  it('CB-06 of an error without state (RFC 6749 §4.1.2.1) are refused, and the operator reads the error', async () => {
    const { onEvent, outcomes: events } = createEventLog()
    const { portal, browser, callback } = await changedCallback(
      (params) => {
        for (const name of ['code', 'state']) params.delete(name)
        params.set('error', 'invalid_scope')
      },
      { onEvent },
    )
    expect(await problemAt(browser, callback)).toMatchObject({ status: 400, code: 'invalid_callback' })
    expect(events).toMatchObject([
      { type: 'login_failed', error: { code: 'invalid_callback', error: 'invalid_scope' } },
    ])
    // The login is not ended by it.
    expect(browser.cookies.some(isLogin)).toBe(true)
    expect(portal.tokenRequests()).toEqual([])
  })

  it('CB-06 a person may refuse: nothing is asked for, and the page says so', async () => {
    const portal = await startPortal()
    const page = await createUserAgent().signIn(`${portal.origin}/login`, { deny: true })
    expect(page.status).toBe(403)
    expect(await page.text()).toContain('The login was cancelled')
    expect(portal.tokenRequests()).toEqual([])
  })

  it('CB-06 SEC-02 never get into the page as markup, with a right state or a wrong one', async () => {
    const portal = await startPortal({}, AUTO)
    for (const payload of XSS_PAYLOADS) {
      const browser = createUserAgent()
      const callback = await portal.callbackFor(browser)
      for (const name of ['error', 'error_description']) callback.searchParams.set(name, payload)
      callback.searchParams.set('error_uri', `javascript:alert(1)//${payload}`)
      const forged = new URL(callback)
      forged.searchParams.set('state', payload)
      const misissued = new URL(callback)
      misissued.searchParams.set('iss', payload)
      for (const url of [forged, misissued, await other(portal, browser, callback)]) {
        const page = await browser.request(url)
        const text = await page.text()
        expect(page.status).toBeGreaterThanOrEqual(400)
        expect(unexpectedMarkup(text)).toEqual([])
        expect(text).not.toContain('javascript:')
        if (url === forged) expect(text).not.toContain('alert')
      }
    }
  })

  /** The same answer to a fresh login of this browser. */
  async function other(portal: PortalWorld, browser: UserAgent, like: URL): Promise<URL> {
    const url = await portal.callbackFor(browser)
    for (const name of ['error', 'error_description', 'error_uri'])
      url.searchParams.set(name, like.searchParams.get(name)!)
    return url
  }

  it('CB-09 SEC-03 are gone from the address afterwards; what is answered is not stored and sends no referrer', async () => {
    const portal = await startPortal({}, AUTO)
    const browser = createUserAgent()
    const answer = await browser.request(await portal.callbackFor(browser))
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toBe('/')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    expect(await answer.text()).toBe('')
  })
})

type Claims = Record<string, unknown>

describe('the nonce of a login', () => {
  const reissue = (portal: PortalWorld, change: (claims: Claims) => unknown) =>
    portal.sandbox.fault({
      at: 'token',
      kind: 'json',
      patch: async (body) => {
        const claims = JSON.parse(Buffer.from(String(body.id_token).split('.')[1]!, 'base64url').toString())
        change(claims)
        return { ...body, id_token: await portal.sandbox.signIdToken(claims) }
      },
    })

  it.each([
    ['right', () => {}, {}, true],
    ['of another login', (claims: Claims) => Object.assign(claims, { nonce: 'x' }), {}, false],
    ['absent', (claims: Claims) => delete claims.nonce, {}, false],
    ['absent, as the dialect says', (claims: Claims) => delete claims.nonce, { skipChecks: ['nonce'] as const }, true],
    [
      'of another login, though it may be absent',
      (claims: Claims) => Object.assign(claims, { nonce: 'x' }),
      { skipChecks: ['nonce'] as const },
      false,
    ],
  ])('NONCE-01 is %s', async (_, change, idToken, accepted) => {
    const portal = await startPortal({ dialect: smart({ idToken }) }, AUTO)
    reissue(portal, change)
    const browser = createUserAgent()
    const answer = await browser.request(await portal.callbackFor(browser), json)
    if (accepted) expect(answer.status).toBe(303)
    else expect(await answer.json()).toMatchObject({ code: 'invalid_id_token' })
    expect((await look(browser, portal.origin)).status).toBe(accepted ? 200 : 401)
  })
})
