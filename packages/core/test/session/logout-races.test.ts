import { expect, it } from 'vitest'
import { createSmartLaunch, publicClient, type SmartLaunch, type SmartLaunchOptions } from '../../src/index.ts'
import { exploreAll, Stage } from '../support/interleavings.ts'
import { createMapStore } from '../support/map-store.ts'
import { createRotatingServer } from '../support/rotating-server.ts'

// Each order in which the calls of two processes reach the store they share, and the server.

const ORIGIN = 'https://portal.example'
const SERVER = 'https://ehr.example'
const SECRET = 'a session secret for these tests: 0123456789'

/** Two processes of one app, and a browser that is logged in. */
async function startTwo() {
  const clock = { now: Date.UTC(2026, 0, 1) }
  const server = createRotatingServer(SERVER)
  const stage = new Stage()
  const store = createMapStore(() => clock.now)
  const launchOf = (actor: string): SmartLaunch =>
    createSmartLaunch({
      ...{ fhirBaseUrl: `${SERVER}/fhir`, clientId: 'portal', clientAuth: publicClient() },
      ...{ redirectUri: `${ORIGIN}/callback`, scope: 'patient/*.rs offline_access' },
      session: { secret: SECRET, store: stage.store(actor, store) },
      metadata: {
        authorization_endpoint: `${SERVER}/authorize`,
        token_endpoint: `${SERVER}/token`,
        revocation_endpoint: `${SERVER}/revoke`,
      },
      fetch: stage.fetch(actor, server.send),
      now: () => clock.now,
    } satisfies SmartLaunchOptions)
  const one = launchOf('one')
  const other = launchOf('other')
  const jar = new Map<string, string>()
  const ask = (launch: SmartLaunch, url: string, headers: Record<string, string> = {}, method = 'GET') => {
    // As the browser has them when it sends the request.
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const all: Record<string, string> = { cookie, ...headers }
    return launch.answer({ method, url, header: (name) => all[name] })
  }
  const keep = (cookies: readonly string[]) => {
    for (const text of cookies) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? []
      if (text.includes('Max-Age=0')) jar.delete(name)
      else jar.set(name, value)
    }
  }
  const begin = async () => {
    const answer = await ask(one, '/login')
    keep(answer.cookies)
    return `/callback?code=c&state=${new URL(answer.kind === 'redirect' ? answer.location : '').searchParams.get('state')}`
  }
  const contextOf = (launch: SmartLaunch, cookie: string, launchId?: string) => {
    const headers: Record<string, string | undefined> = { cookie, 'fhir-launch-id': launchId }
    return launch.contextFor({ method: 'GET', url: '/', header: (name) => headers[name] })
  }
  keep((await ask(one, await begin())).cookies)
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  const logOut = () => ask(one, '/logout', { cookie, origin: ORIGIN }, 'POST')
  return { clock, server, stage, one, other, ask, begin, contextOf, cookie, logOut }
}

type Two = Awaited<ReturnType<typeof startTwo>>

/** What must hold whichever came first. */
async function expectLoggedOut({ server, one, other, contextOf }: Two, cookies: readonly string[]): Promise<void> {
  for (const cookie of cookies) {
    for (const launch of [one, other]) expect(await contextOf(launch, cookie)).toBeUndefined()
  }
  expect([...server.live]).toEqual([])
}

it('SEC-04 RFC 7009 a logout and a refresh: in no order is a session left, or a token that was not revoked', async () => {
  const orders = await exploreAll(async (choose) => {
    const two = await startTwo()
    two.clock.now += 296_000
    const refresh = async () => void (await two.contextOf(two.other, two.cookie))
    const isWhole = await two.stage.run({ one: two.logOut, other: refresh }, choose)
    if (isWhole) await expectLoggedOut(two, [two.cookie])
    return isWhole
  })
  expect(orders).toBeGreaterThan(5)
})

it('SEC-04 RFC 7009 a logout during a login: in no order is a session left, old or new, or a token', async () => {
  const orders = await exploreAll(async (choose) => {
    const two = await startTwo()
    const callback = await two.begin()
    const cookies = [two.cookie]
    const logIn = async () => {
      const answer = await two.ask(two.other, callback)
      cookies.push(...answer.cookies.map((text) => text.split(';')[0] ?? ''))
    }
    const isWhole = await two.stage.run({ one: two.logOut, other: logIn }, choose)
    if (isWhole) await expectLoggedOut(two, cookies)
    return isWhole
  })
  expect(orders).toBeGreaterThan(5)
})

it('RFR-03 a refresh and a login that takes its launch along: in no order is the launch lost, or its token used twice', async () => {
  const orders = await exploreAll(async (choose) => {
    const two = await startTwo()
    const launchId = (await two.contextOf(two.one, two.cookie))?.launchId
    const callback = await two.begin()
    two.clock.now += 296_000
    let cookie = ''
    const logIn = async () => {
      const { cookies } = await two.ask(two.one, callback)
      cookie = cookies.map((text) => text.split(';')[0] ?? '').find((pair) => pair.includes('session')) ?? ''
    }
    const refresh = async () => void (await two.contextOf(two.other, two.cookie))
    const isWhole = await two.stage.run({ one: logIn, other: refresh }, choose)
    if (isWhole) {
      expect(await two.contextOf(two.one, cookie, launchId)).toMatchObject({ patient: 'p1', launchId })
      expect(two.server.live.size).toBe(2)
    }
    return isWhole
  })
  expect(orders).toBeGreaterThan(5)
})

it('SEC-04 two logouts at once end the session, and revoke each token', async () => {
  await exploreAll(async (choose) => {
    const two = await startTwo()
    const other = () => two.ask(two.other, '/logout', { cookie: two.cookie, origin: ORIGIN }, 'POST')
    const isWhole = await two.stage.run({ one: two.logOut, other }, choose)
    if (isWhole) await expectLoggedOut(two, [two.cookie])
    return isWhole
  })
})
