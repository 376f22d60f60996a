import { createUserAgent } from '@fhir-auth/sandbox'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { SmartLaunchOptions } from '../../src/index.ts'
import { cookieStore } from '../../src/index.ts'
import { createEventLog } from '../support/event-log.ts'
import { createMapStore } from '../support/map-store.ts'
import { type PortalOptions, type Seen, startPortal } from '../support/portal-world.ts'
import { startSandbox } from '../support/registered-client.ts'

const AUTO = { consent: 'auto' } as const
const isLogin = ({ name }: { name: string }) => name.startsWith('fhir-auth.login.')

/** As long as a registration may well be. */
const LONG_ID = 'a-client-id-'.padEnd(900, 'x')
const SIXTY = Array.from({ length: 60 }, (_, index) => `patient/Observation.rs?code=http://loinc.org|${10_000 + index}`)

async function startLong(session: PortalOptions['session'], scopes = SIXTY) {
  const sandbox = await startSandbox(AUTO)
  const portal = await startPortal({
    ...{ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: LONG_ID, clientAuth: undefined },
    scope: ['openid fhirUser launch/patient patient/*.rs', ...scopes].join(' '),
    session: session ?? {},
  })
  sandbox.registerClient({ clientId: LONG_ID, redirectUris: [`${portal.origin}/callback`] })
  return { portal, sandbox }
}

describe('the cookie of a login', () => {
  it.each([
    ['in memory', () => undefined],
    ['shared', createMapStore],
    ['of cookies', cookieStore],
  ])('STATE-05 does not grow with the client id and the scopes, with a store %s', async (_, store) => {
    const { portal } = await startLong({ store: store() })
    const browser = createUserAgent()
    await browser.request(`${portal.origin}/login`)
    const [cookie] = browser.cookies.filter(isLogin)
    expect(cookie?.value.length).toBeLessThan(1200)
    // Cookies hold no session of that size.
    if (store !== cookieStore)
      expect(((await (await browser.signIn(`${portal.origin}/login`)).json()) as Seen).patient).toBeTypeOf('string')
  })

  it('STATE-05 stores nothing before the callback, so that nobody can fill the store with logins', async () => {
    const store = createMapStore()
    const portal = await startPortal({ session: { store } })
    for (let login = 0; login < 20; login++) await fetch(`${portal.origin}/login`, { redirect: 'manual' })
    expect(store.calls).toEqual([])
  })

  it('STATE-02 is opened once by its callback', async () => {
    const portal = await startPortal({}, AUTO)
    const browser = createUserAgent()
    const callback = await portal.callbackFor(browser)
    const opened = vi.spyOn(crypto.subtle, 'decrypt')
    onTestFinished(() => opened.mockRestore())
    expect((await browser.request(callback)).status).toBe(303)
    expect(opened).toHaveBeenCalledTimes(1)
  })

  it('STATE-05 does not count where the registration has changed since', async () => {
    const changes: PortalOptions[] = [{ scope: 'openid launch/patient patient/*.cruds' }, { clientId: 'another' }]
    for (const change of changes) {
      const portal = await startPortal({}, AUTO)
      const browser = createUserAgent()
      const callback = await portal.callbackFor(browser)
      const { createSmartLaunch } = await import('../../src/index.ts')
      const changed = createSmartLaunch({
        ...portal.options,
        ...change,
        session: portal.options.session,
      } as SmartLaunchOptions)
      const cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
      const header = (name: string) => (name === 'cookie' ? cookie : undefined)
      const answer = await changed.answer({ method: 'GET', url: callback.pathname + callback.search, header })
      expect(answer).toMatchObject({ kind: 'problem', error: { code: 'transaction_expired' } })
      expect(portal.tokenRequests()).toEqual([])
    }
  })

  it('STATE-02 the cookies of several logins stay within the header that a proxy takes: the oldest go', async () => {
    const portal = await startPortal()
    const browser = createUserAgent()
    const returnTo = `/chart?${'x'.repeat(1500)}`
    for (let login = 0; login < 6; login++) {
      await browser.request(`${portal.origin}/login?${new URLSearchParams({ returnTo })}`)
      const sent = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
      expect(sent.length).toBeLessThan(8000)
    }
    expect(browser.cookies.filter(isLogin)).toHaveLength(2)
  })
})

describe('the address of the page that was asked for', () => {
  async function startAt(length: number) {
    const { onEvent, outcomes: events } = createEventLog()
    const portal = await startPortal({ paths: { home: '/home' }, onEvent }, AUTO)
    const address = `/chart?${'x'.repeat(length - '/chart?'.length)}`
    return { portal, events, address }
  }

  it('CB-07 is kept up to 2,500 characters', async () => {
    const { portal, events, address } = await startAt(2500)
    const page = await createUserAgent().signIn(`${portal.origin}/login?${new URLSearchParams({ returnTo: address })}`)
    expect(page.url).toBe(portal.origin + address)
    expect(events.map(({ type }) => type)).toEqual(['login'])
  })

  it.each([2501, 3500, 7000])(
    'CB-07 of %i characters is dropped: the person logs in and lands at home, and an event says why',
    async (length) => {
      const { portal, events, address } = await startAt(length)
      const page = await createUserAgent().signIn(
        `${portal.origin}/login?${new URLSearchParams({ returnTo: address })}`,
      )
      expect([page.status, page.url]).toEqual([200, `${portal.origin}/home`])
      expect(events[0]).toEqual({ type: 'return_to_dropped', length })
    },
  )

  it('CB-07 is dropped where long endpoints leave no room for it beside the login', async () => {
    const { onEvent, outcomes: events } = createEventLog()
    const long = await startPortal({ paths: { home: '/home' }, onEvent }, AUTO)
    const { createSmartLaunch } = await import('../../src/index.ts')
    const metadata = { token_endpoint: `${long.sandbox.issuer}/token?${'x'.repeat(1000)}` }
    const launch = createSmartLaunch({ ...long.options, metadata })
    const returnTo = `/chart?${'x'.repeat(2000)}`
    const url = `/login?${new URLSearchParams({ returnTo })}`
    const answer = await launch.answer({ method: 'GET', url, header: () => undefined })
    expect(answer).toMatchObject({ kind: 'redirect', status: 303 })
    expect(answer.cookies.at(-1)?.length).toBeLessThan(4096)
    expect(events).toEqual([{ type: 'return_to_dropped', length: returnTo.length }])
  })

  it('CB-07 is left out of the address of the login page where it is too long for one', async () => {
    const { portal, events, address } = await startAt(9000)
    const { createSmartLaunch } = await import('../../src/index.ts')
    const launch = createSmartLaunch(portal.options)
    const header = () => undefined
    expect(launch.loginUrl({ method: 'GET', url: address, header })).toBe('/login')
    expect(events).toEqual([{ type: 'return_to_dropped', length: 9000 }])
  })
})
