import { type RedisServer, redisIsMissing, startNodeApp, startRedisServer, Visitor } from '@fhir-auth/conformance'
import { clientSecretBasic, requireFhir, smartLaunch } from '@fhir-auth/express'
import { createSandbox, type Sandbox } from '@fhir-auth/sandbox'
import express from 'express'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RedisClient, redisStore } from '../src/index.ts'

describe.skipIf(redisIsMissing())('sessions of an app with two instances', () => {
  const clientSecret = crypto.randomUUID()
  const sessionSecret = crypto.randomUUID() + crypto.randomUUID()
  let server: RedisServer
  let sandbox: Sandbox
  let admin: Redis
  let prefix: string
  const redirectUris: string[] = []
  let browser: Visitor
  /** The other instance. */
  let otherDoor: string
  let toClose: (() => unknown)[]

  beforeAll(async () => {
    server = await startRedisServer()
    sandbox = await createSandbox()
    admin = new Redis(server.url)
  })
  afterAll(async () => {
    admin.disconnect()
    await sandbox.close()
    await server.close()
  })
  beforeEach(async () => {
    prefix = `${crypto.randomUUID()}:`
    const first = createClient({ url: server.url })
    await first.connect()
    const second = new Redis(server.url)
    toClose = [() => first.destroy(), () => second.disconnect()]
    browser = new Visitor(await startInstance(first))
    otherDoor = await startInstance(second, redirectUris.at(-1))
    return async () => {
      for (const close of toClose.reverse()) await close()
    }
  })

  it('whoever has logged in at one is known at the other, and logged out at both', async () => {
    await browser.logIn()
    // The cookie as somebody may have copied it.
    const headers = { cookie: browser.cookieHeader, accept: 'application/json' }
    const page = await fetch(`${otherDoor}/patient`, { headers })
    expect(await page.json()).toEqual({ patient: expect.any(String) })
    expect((await browser.logOut()).status).toBeLessThan(400)
    expect((await fetch(`${otherDoor}/patient`, { headers })).status).toBe(401)
  })

  it('STATE-03 a callback that reaches both at once makes one exchange, and both answers lead to the same page', async () => {
    const { href, pathname, search } = await browser.logInUntilCallback()
    const before = exchanges()
    const [first, second] = await Promise.all([browser.open(href), browser.open(otherDoor + pathname + search)])
    expect([first.status, second.status]).toEqual([303, 303])
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    expect(exchanges()).toBe(before + 1)
    // One of them has the session, and only one.
    const sessions = [first, second].flatMap(({ headers }) => headers.getSetCookie().filter(isSession))
    expect(sessions).toHaveLength(1)
    // Once more, later, at the other instance: this browser is the one that has logged in by it.
    const again = await browser.open(otherDoor + pathname + search)
    expect([again.status, again.headers.get('location')]).toEqual([303, first.headers.get('location')])
    const stranger = await new Visitor(otherDoor).ask(pathname + search)
    expect([stranger.status, stranger.json().code]).toEqual([400, 'transaction_used'])
    expect(exchanges()).toBe(before + 1)
  })

  it('Redis sees no cookie and no token, and keeps nothing without an end', async () => {
    await browser.logIn()
    const { accessToken } = (await browser.ask('/token')).json<{ accessToken: string }>()
    const secrets = [accessToken, browser.sessionCookie ?? ''].flatMap((secret) => [secret, btoa(secret)])
    expect(Math.min(...secrets.map(({ length }) => length))).toBeGreaterThan(20)
    const keys = await admin.keys(`${prefix}*`)
    expect(keys.length).toBeGreaterThan(0)
    for (const key of keys) {
      const stored = `${key} ${await admin.get(key)}`
      for (const secret of secrets) expect(stored).not.toContain(secret)
      expect(await admin.ttl(key)).toBeGreaterThan(0)
    }
  })

  it('a request asks Redis once', async () => {
    await browser.logIn()
    await browser.ask('/patient')
    const before = await calls()
    for (let request = 0; request < 5; request++) expect((await browser.ask('/patient')).status).toBe(200)
    expect(await calls(before)).toEqual({ get: 5 })
  })

  const isSession = (cookie: string) => cookie.startsWith('fhir-auth.session=')
  const exchanges = () =>
    sandbox.requestsTo('/token').filter(({ form }) => form.get('grant_type') === 'authorization_code').length

  async function startInstance(client: RedisClient, publicUri?: string): Promise<string> {
    const { origin, close } = await startNodeApp((origin) => {
      const redirectUri = publicUri ?? `${origin}/callback`
      redirectUris.push(redirectUri)
      sandbox.registerClient({ clientId: 'portal', clientSecret, redirectUris })
      const launch = smartLaunch({
        fhirBaseUrl: sandbox.fhirBaseUrl,
        clientId: 'portal',
        clientAuth: clientSecretBasic(clientSecret),
        redirectUri,
        scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
        session: { secret: sessionSecret, store: redisStore(client, { prefix }) },
      })
      return express()
        .use(launch)
        .get('/patient', requireFhir(), (req, res) => void res.json({ patient: req.fhir?.patient }))
        .get('/token', requireFhir(), (req, res) => void res.json({ accessToken: req.fhir?.accessToken }))
    })
    toClose.push(close)
    return origin
  }

  /** How often each command that the store uses has run; since `before`, if given. */
  async function calls(before: Record<string, number> = {}): Promise<Record<string, number>> {
    const statistics = await admin.info('commandstats')
    const rows = statistics.matchAll(/cmdstat_(get|set|del|eval|evalsha):calls=(\d+)/g)
    return Object.fromEntries(
      [...rows]
        .map(([, name, count]) => [String(name), Number(count) - (before[String(name)] ?? 0)] as const)
        .filter(([, count]) => count > 0),
    )
  }
})
