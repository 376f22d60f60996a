import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RedisServer, redisIsMissing, startRedisServer } from '@fhir-auth/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exploreAll, Stage } from '../../../core/test/support/interleavings.ts'
import { createRotatingServer } from '../../../core/test/support/rotating-server.ts'
import { type AppInProcess, startAppInProcess } from './app-in-process.ts'
import type { Result } from './messages.ts'

// Each order in which the calls of two real processes reach one Redis and one server.

const BUNDLE = join(import.meta.dirname, '../../../reliability/test/bundle-worker.mjs')

describe.skipIf(redisIsMissing())('two processes with one Redis', { timeout: 120_000 }, () => {
  let redis: RedisServer
  let one: AppInProcess
  let other: AppInProcess
  let tokens: ReturnType<typeof createRotatingServer>
  let origin: string
  const folder = mkdtempSync(join(tmpdir(), 'fhir-auth-interleavings-'))
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const answer = await tokens.send(origin + request.url, { method: 'POST', body })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })

  beforeAll(async () => {
    redis = await startRedisServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    execFileSync(process.execPath, [BUNDLE, folder, join(import.meta.dirname, 'app-process.ts')])
    const script = join(folder, 'worker.mjs')
    one = await startAppInProcess('one', script, redis.url)
    other = await startAppInProcess('other', script, redis.url)
  }, 120_000)
  afterAll(async () => {
    await one?.close()
    await other?.close()
    server.closeAllConnections()
    server.close()
    await redis?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A person who has logged in, at a new app in both processes. */
  async function start() {
    tokens = createRotatingServer(origin)
    const stage = new Stage()
    const app = { server: origin, secret: crypto.randomUUID() + crypto.randomUUID() }
    await Promise.all([one.open(stage, app), other.open(stage, app)])
    const jar = new Map<string, string>()
    const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const keep = ({ cookies }: Result) => {
      for (const text of cookies) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? []
        if (text.includes('Max-Age=0')) jar.delete(name)
        else jar.set(name, value)
      }
    }
    /** @returns the callback of a login that has begun */
    const begin = async () => {
      const answer = await one.act({ url: '/login', cookie: cookie() })
      keep(answer)
      return `/callback?code=c&state=${new URL(answer.location ?? '').searchParams.get('state')}`
    }
    const finish = async (callback: string) => keep(await one.act({ url: callback, cookie: cookie() }))
    await finish(await begin())
    const { status, launchId } = await other.act({ url: '/', cookie: cookie() })
    expect(status).toBe(200)
    return { stage, cookie, launchId, begin, finish }
  }

  const logOut = (cookie: string) => one.act({ method: 'POST', url: '/logout', cookie })
  const makeRefreshDue = () => {
    for (const process of [one, other]) process.advance(296)
  }

  /** No cookie that there ever was opens a session, at either process, and no token still works. */
  async function expectLoggedOut(cookies: readonly string[]): Promise<void> {
    for (const cookie of cookies) {
      for (const process of [one, other]) expect((await process.act({ url: '/', cookie })).status).toBe(401)
    }
    expect([...tokens.live]).toEqual([])
  }

  it('SEC-04 RFC 7009 a logout and a refresh: in no order is a session or an unrevoked token left', async () => {
    const orders = await exploreAll(async (choose) => {
      const { stage, cookie } = await start()
      const held = cookie()
      makeRefreshDue()
      const actors = { one: () => logOut(held), other: () => other.act({ url: '/', cookie: held }) }
      const isWhole = await stage.run(actors, choose)
      if (isWhole) await expectLoggedOut([held])
      return isWhole
    })
    expect(orders).toBeGreaterThan(5)
  })

  it('SEC-04 RFC 7009 a logout and a login that takes the launch along: in no order is a session or token left', async () => {
    const orders = await exploreAll(async (choose) => {
      const { stage, cookie, begin } = await start()
      const callback = await begin()
      const held = cookie()
      const cookies = [held]
      const logIn = async () => {
        const answer = await other.act({ url: callback, cookie: held })
        cookies.push(answer.cookies.map((text) => text.split(';')[0]).join('; '))
      }
      const isWhole = await stage.run({ one: () => logOut(held), other: logIn }, choose)
      if (isWhole) await expectLoggedOut(cookies)
      return isWhole
    })
    expect(orders).toBeGreaterThan(5)
  })

  it('SEC-04 RFC 7009 a logout with the cookie before a hand-over and a refresh after it: no session or token is left', async () => {
    const orders = await exploreAll(async (choose) => {
      const { stage, cookie, launchId, begin, finish } = await start()
      const callback = await begin()
      const before = cookie()
      await finish(callback)
      const after = cookie()
      makeRefreshDue()
      const actors = { one: () => logOut(before), other: () => other.act({ url: '/', cookie: after, launchId }) }
      const isWhole = await stage.run(actors, choose)
      if (isWhole) await expectLoggedOut([before, after])
      return isWhole
    })
    expect(orders).toBeGreaterThan(5)
  })

  it('SEC-04 RFC 7009 two logouts: in no order is a session or an unrevoked token left', async () => {
    const orders = await exploreAll(async (choose) => {
      const { stage, cookie } = await start()
      const held = cookie()
      const actors = {
        one: () => logOut(held),
        other: () => other.act({ method: 'POST', url: '/logout', cookie: held }),
      }
      const isWhole = await stage.run(actors, choose)
      if (isWhole) await expectLoggedOut([held])
      return isWhole
    })
    expect(orders).toBeGreaterThan(1)
  })
})
