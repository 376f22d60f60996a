import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { expectNoExchange } from './callback-checks.ts'

/** The headers that Chromium (also older versions), Firefox, Safari and CDNs send. */
const SIGNS: readonly Record<string, string>[] = [
  { 'sec-purpose': 'prefetch' },
  { 'sec-purpose': 'prefetch;anonymous-client-ip' },
  { 'sec-purpose': 'prefetch;prerender' },
  { purpose: 'prefetch' },
  { 'x-moz': 'prefetch' },
  { 'x-purpose': 'preview' },
]

export const speculative: readonly ConformanceCase[] = [
  {
    rule: 'a page that is only fetched ahead uses up no login: the person then finishes it',
    async run(world) {
      const browser = world.visitor()
      const { href } = await browser.logInUntilCallback()
      const before = browser.cookieHeader
      for (const headers of SIGNS) {
        const answer = await browser.open(href, { headers })
        expect([answer.status, answer.text]).toEqual([204, ''])
        expect(answer.headers.get('cache-control')).toBe('no-store')
        expect(answer.headers.get('vary')?.toLowerCase()).toContain(Object.keys(headers)[0])
        expect(answer.headers.getSetCookie()).toEqual([])
      }
      expect(browser.cookieHeader).toBe(before)
      expectNoExchange(world)
      expect((await browser.open(href)).status).toBe(303)
      expect((await browser.ask('/guarded')).status).toBe(200)
    },
  },
  {
    rule: 'EHR-04 a login and a launch that are only fetched ahead are not begun',
    async run({ sandbox, base, visitor }) {
      const browser = visitor()
      const patient = sandbox.patients[0]?.id ?? ''
      const launch = sandbox.ehrLaunch({ launchUrl: `${base}/launch`, patient })
      for (const url of ['/login', launch]) {
        const answer = await browser.open(url, { headers: { 'sec-purpose': 'prefetch' } })
        expect([answer.status, answer.headers.getSetCookie()]).toEqual([204, []])
      }
      expect(sandbox.requestsTo('/authorize')).toEqual([])
      expect((await browser.logIn(launch)).status).toBe(200)
    },
  },
  {
    rule: 'STATE-03 a request with another method ends no login: the person then finishes it',
    async run(world) {
      const browser = world.visitor()
      const { href } = await browser.logInUntilCallback()
      for (const method of ['HEAD', 'POST', 'PUT', 'DELETE']) {
        const answer = await browser.open(href, { method })
        expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'GET'])
        expect(answer.headers.getSetCookie()).toEqual([])
      }
      expectNoExchange(world)
      expect((await browser.open(href)).status).toBe(303)
    },
  },
]
