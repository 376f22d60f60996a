import { createUserAgent, type UserAgent } from '@fhir-auth/sandbox'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cookieStore, type FhirAuthEvent } from '../../src/index.ts'
import { createEventLog } from '../support/event-log.ts'
import {
  EXPIRED_SECONDS,
  loggedIn,
  logOut,
  look,
  newSecret,
  type PortalOptions,
  startPortal,
  startSecondInstance,
} from '../support/portal-world.ts'

const start = (options: PortalOptions = {}) =>
  startPortal({ ...options, session: { store: cookieStore(), ...options.session } }, { consent: 'auto' })

const partsOf = (browser: UserAgent) => browser.cookies.filter(({ name }) => name.startsWith('fhir-auth.session'))
/** A token response with so much in it. */
const grownBy = (length: number) => ({
  ...({ at: 'token', kind: 'json', times: 1 } as const),
  patch: (body: Record<string, unknown>) => ({ ...body, tenant: 'x'.repeat(length) }),
})

describe('sessions in cookies', () => {
  it('are there for a process that has never seen them, and that has the secret', async () => {
    const portal = await start()
    const browser = await loggedIn(portal)
    const other = await startSecondInstance(portal)
    expect(await look(browser, other.origin)).toMatchObject({ status: 200, seen: { patient: expect.any(String) } })
    const stranger = await startSecondInstance(portal, { session: { secret: newSecret() } })
    expect((await look(browser, stranger.origin)).status).toBe(401)
    const rotated = await startSecondInstance(portal, {
      session: { secret: [newSecret(), portal.options.session.secret as string] },
    })
    expect((await look(browser, rotated.origin)).status).toBe(200)
  })

  it('are one context per token, found without a promise once they were opened', async () => {
    const portal = await start()
    const browser = await loggedIn(portal)
    const first = portal.contextOf(browser)
    expect(await portal.contextOf(browser)).toBe(await first)
  })

  it('SEC-03 RFR-09 do not show token, patient or person to somebody who reads the cookies', async () => {
    const portal = await start()
    const browser = await loggedIn(portal)
    const { seen } = await look(browser, portal.origin)
    const text = partsOf(browser)
      .map(({ value }) => value)
      .join('')
    const plain = text.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'))
    for (const secret of [seen?.accessToken, seen?.patient, 'refreshToken']) {
      expect(`${text} ${plain.join()}`).not.toContain(secret)
    }
    expect(partsOf(browser).every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Lax')).toBe(true)
  })

  it('EHR-06 hold several launches, and a request gets the one it names', async () => {
    const portal = await start()
    const browser = createUserAgent()
    const launches = ['amber-testwell', 'basil-mockridge'].map((patient) => ({
      patient,
      launchUrl: `${portal.origin}/launch`,
    }))
    const ids: string[] = []
    for (const launch of launches) {
      const page = await browser.visit(portal.sandbox.ehrLaunch(launch))
      ids.push(new URL(page.url).searchParams.get('launch_id') ?? '')
    }
    for (const [index, id] of ids.entries()) {
      const { seen } = await look(browser, `${portal.origin}/?launch_id=${id}`)
      expect(seen).toMatchObject({ patient: launches[index]?.patient, launchId: id })
    }
    expect((await look(browser, portal.origin)).seen).toBeNull()
  })

  it('end with a logout, which removes every part and revokes the tokens', async () => {
    const portal = await start()
    portal.sandbox.fault(grownBy(2500))
    const browser = await loggedIn(portal)
    expect(partsOf(browser)).toHaveLength(2)
    await logOut(portal, browser)
    expect(partsOf(browser)).toEqual([])
    expect(portal.sandbox.requestsTo('/revoke')).toHaveLength(1)
  })
})

describe('a token in cookies that has run out', () => {
  it('is not renewed by a request that could not set cookies: there is no context, and no request is sent', async () => {
    const portal = await start()
    const browser = await loggedIn(portal)
    portal.advanceSeconds(280)
    expect((await look(browser, portal.origin)).status).toBe(200)
    portal.advanceSeconds(EXPIRED_SECONDS - 280)
    expect(await look(browser, portal.origin)).toEqual({ status: 401, seen: null })
    expect(portal.tokenRequests('refresh_token')).toEqual([])
  })

  it('RFR-03 is renewed by the way through /login, which comes back without showing anything', async () => {
    const events: FhirAuthEvent[] = []
    const seenByHook: (string | undefined)[] = []
    const portal = await start({
      onEvent: (event) => events.push(event),
      afterRefresh: ({ patient }) => void seenByHook.push(patient),
    })
    const browser = await loggedIn(portal)
    const before = await look(browser, portal.origin)
    portal.advanceSeconds(EXPIRED_SECONDS)
    portal.sandbox.clearRequests()
    const answer = await browser.request(`${portal.origin}/login?returnTo=%2Fchart%3Fa%3D1`)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/chart?a=1'])
    expect(portal.sandbox.requestsTo('/authorize')).toEqual([])
    const after = await look(browser, portal.origin)
    expect(after).toMatchObject({
      status: 200,
      seen: { patient: before.seen?.patient, launchId: before.seen?.launchId },
    })
    expect(after.seen?.accessToken).not.toBe(before.seen?.accessToken)
    expect([events.at(-1)?.type, seenByHook]).toEqual(['refresh', [before.seen?.patient]])
    // The rotated refresh token came along: it works once more.
    portal.advanceSeconds(EXPIRED_SECONDS)
    await browser.request(`${portal.origin}/login`)
    expect((await look(browser, portal.origin)).status).toBe(200)
    expect(portal.sandbox.refreshReuseDetections).toBe(0)
  })

  it('is renewed once for two tabs that come at the same time', async () => {
    const portal = await start()
    const browser = await loggedIn(portal)
    portal.advanceSeconds(EXPIRED_SECONDS)
    await Promise.all([
      browser.request(`${portal.origin}/login`),
      browser.request(`${portal.origin}/login?returnTo=/x`),
    ])
    expect(portal.tokenRequests('refresh_token')).toHaveLength(1)
    expect((await look(browser, portal.origin)).status).toBe(200)
  })

  it('EHR-06 is renewed for the launch that the page belongs to, and the others stay', async () => {
    const portal = await start()
    const browser = createUserAgent()
    const open = async (patient: string) => {
      const launch = portal.sandbox.ehrLaunch({ patient, launchUrl: `${portal.origin}/launch` })
      return new URL((await browser.visit(launch)).url).search
    }
    const first = await open('amber-testwell')
    portal.advanceSeconds(EXPIRED_SECONDS)
    const second = await open('basil-mockridge')
    await browser.request(`${portal.origin}/login?returnTo=${encodeURIComponent(`/${first}`)}`)
    expect((await look(browser, `${portal.origin}/${first}`)).seen?.patient).toBe('amber-testwell')
    expect((await look(browser, `${portal.origin}/${second}`)).seen?.patient).toBe('basil-mockridge')
  })

  it('RFR-07 leads to a login where the server has ended it, and is not asked for again', async () => {
    const events: FhirAuthEvent[] = []
    const portal = await start({ onEvent: (event) => events.push(event) })
    const browser = await loggedIn(portal)
    portal.sandbox.revokeAll()
    portal.advanceSeconds(EXPIRED_SECONDS)
    for (const _again of [1, 2]) {
      const answer = await browser.request(`${portal.origin}/login`)
      expect(answer.headers.get('location')).toContain('/authorize?')
    }
    expect(portal.tokenRequests('refresh_token')).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'launch_ended')).toMatchObject([{ reason: 'invalid_grant' }])
  })

  it('RFR-07 stays in the cookie where the server fails, and is renewed the next time', async () => {
    const { onEvent, outcomes: events } = createEventLog()
    const portal = await start({ onEvent })
    const browser = await loggedIn(portal)
    portal.advanceSeconds(EXPIRED_SECONDS)
    portal.sandbox.fault({ at: 'token', kind: 'status', status: 500, times: 1 })
    expect((await browser.request(`${portal.origin}/login`)).headers.get('location')).toContain('/authorize?')
    expect(events.at(-1)?.type).toBe('refresh_failed')
    expect((await browser.request(`${portal.origin}/login`)).headers.get('location')).toBe('/')
    expect((await look(browser, portal.origin)).status).toBe(200)
  })

  it('is not renewed any more when nobody came for the idle time, or the login has lasted long enough', async () => {
    for (const session of [{ idleSeconds: 600 }, { lifetimeSeconds: 900 }]) {
      const portal = await start({ session })
      const browser = await loggedIn(portal)
      portal.advanceSeconds(910)
      expect((await browser.request(`${portal.origin}/login`)).headers.get('location')).toContain('/authorize?')
      expect(portal.tokenRequests('refresh_token')).toEqual([])
    }
  })
})

describe('the size of sessions in cookies', () => {
  it('is cut into cookies that browsers keep, and parts that are not needed any more are removed', async () => {
    const portal = await start()
    portal.sandbox.fault(grownBy(3000))
    const browser = createUserAgent()
    const callback = await portal.callbackFor(browser)
    const { headers } = await browser.request(callback)
    const cookies = headers.getSetCookie().filter((cookie) => cookie.startsWith('fhir-auth.session'))
    expect(cookies).toHaveLength(2)
    expect(Math.max(...cookies.map(({ length }) => length))).toBeLessThanOrEqual(4096)
    expect((await look(browser, portal.origin)).status).toBe(200)
    await browser.request(await portal.callbackFor(browser))
    expect(partsOf(browser)).toHaveLength(1)
    expect((await look(browser, portal.origin)).status).toBe(200)
  })

  it('is refused with a problem that names it where the tokens do not fit, and the tokens are revoked', async () => {
    const portal = await start()
    portal.sandbox.fault(grownBy(6000))
    const browser = createUserAgent()
    const answer = await browser.request(await portal.callbackFor(browser), { headers: { accept: 'application/json' } })
    const problem = (await answer.json()) as { code: string; detail: string }
    expect([answer.status, problem.code]).toEqual([500, 'invalid_option'])
    expect(problem.detail).toMatch(/need \d{4,5} characters; browsers and proxies accept 7000/)
    expect(portal.sandbox.requestsTo('/revoke')).toHaveLength(1)
    expect(partsOf(browser)).toEqual([])
  })

  it('leaves out the oldest launch where not all fit', async () => {
    const portal = await start()
    const browser = createUserAgent()
    const pages: string[] = []
    for (const patient of ['amber-testwell', 'basil-mockridge', 'clover-fauxley']) {
      portal.sandbox.fault(grownBy(1500))
      pages.push((await browser.visit(portal.sandbox.ehrLaunch({ patient, launchUrl: `${portal.origin}/launch` }))).url)
    }
    const seen = await Promise.all(pages.map(async (page) => (await look(browser, page)).seen?.patient))
    expect(seen).toEqual([undefined, expect.stringMatching('basil-mockridge'), 'clover-fauxley'])
  })
})

describe('cookies that were tampered with', () => {
  it('RFR-09 open nothing, and break nothing: changed, cut, swapped, mixed', async () => {
    const portal = await start()
    portal.sandbox.fault({ ...grownBy(2500), times: 2 })
    const [browser, other] = [await loggedIn(portal), await loggedIn(portal)]
    portal.sandbox.clearRequests()
    const [a = '', b = ''] = partsOf(browser).map(({ value }) => value)
    const [c = ''] = partsOf(other).map(({ value }) => value)
    const damaged = fc
      .record({
        text: fc.constantFrom(a, b, c, a + b),
        at: fc.nat(7000),
        cut: fc.nat(7000),
        put: fc.string({ maxLength: 4 }),
      })
      .map(({ text, at, cut, put }) => text.slice(0, at) + put.replace(/[;,=\s]/g, '') + text.slice(at + cut))
    const part = fc.oneof(fc.constantFrom(a, b, c, ''), damaged)
    await fc.assert(
      fc.asyncProperty(part, part, fc.option(part, { nil: undefined }), async (first, second, third) => {
        const given = [first, second, ...(third === undefined ? [] : [third])]
        fc.pre(!isSameText(whatIsRead(given), a + b))
        const cookie = given.map((value, index) => `fhir-auth.session.${index}=${value}`).join('; ')
        const answer = await fetch(portal.origin, { headers: { cookie } })
        expect(answer.status).toBe(401)
      }),
      { numRuns: 2000 },
    )
    expect(portal.failures).toEqual([])
  })
})

/** Parts count up to the first that is missing. */
function whatIsRead(parts: string[]): string {
  const missing = parts.indexOf('')
  return parts.slice(0, missing < 0 ? undefined : missing).join('')
}

/** The last character of a base64url text has bits that mean nothing. */
function isSameText(one: string, other: string): boolean {
  const bytesOf = (text: string) => text.split('.').map((part) => Buffer.from(part, 'base64url').toString('hex'))
  return /^[\w.-]*$/.test(one) && bytesOf(one).join() === bytesOf(other).join()
}
