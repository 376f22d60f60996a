import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { allow, app, loggedIn } from './proxy-setup.ts'

/** What a page of another site, or one that leaves, can make a browser do. */
export const hostileProxyBrowser: readonly ConformanceCase[] = [
  {
    rule: 'a request of another site is refused, reads too: with a cookie alone, nothing is sent (RFC 9700 §4.7)',
    app,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      const ways: Record<string, string>[] = [
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example', 'fhir-auth-request': '1' },
        { 'sec-fetch-site': 'same-site', origin: 'https://sub.evil.example', 'fhir-auth-request': '1' },
      ]
      for (const headers of ways) {
        for (const method of ['GET', 'POST', 'DELETE']) {
          const answer = await browser.ask('/fhir/Observation/o1', { method, headers })
          expect([answer.status, answer.json().code]).toEqual([403, 'cross_origin_request'])
        }
      }
      expect(hostile.requests.slice(before)).toEqual([])
    },
  },
  {
    rule: 'a change without the header that a form cannot send is refused, whatever its type ("OAuth 2.0 for Browser-Based Applications" §6.1.3.3)',
    app,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/fhir+json',
      ]) {
        const headers = { 'content-type': type, origin: 'https://evil.example' }
        const answer = await browser.ask('/fhir/Observation', { method: 'POST', headers, body: '{}' })
        expect([type, answer.status]).toEqual([type, 403])
      }
      expect(hostile.requests.slice(before)).toEqual([])
      const own = { 'content-type': 'application/fhir+json', 'fhir-auth-request': '1' }
      expect((await browser.ask('/fhir/Observation', { method: 'POST', headers: own, body: '{}' })).status).toBe(200)
    },
  },
  {
    rule: 'a preflight of an origin that is not named gets no leave, and one that is named gets it for itself (Fetch §3.2)',
    app: { registeredAt: 'hostile', proxy: { allow, origins: ['https://portal.example'] } },
    async run(world) {
      const { browser } = await loggedIn(world)
      const preflight = (origin: string) =>
        browser.ask('/fhir/Patient/p1', {
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'PUT' },
        })
      const refused = await preflight('https://evil.example')
      expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null])
      const allowed = await preflight('https://portal.example')
      expect(allowed.status).toBe(204)
      expect(allowed.headers.get('access-control-allow-origin')).toBe('https://portal.example')
      expect(allowed.headers.get('vary')).toContain('origin')
      const headers = { origin: 'https://portal.example', 'sec-fetch-site': 'cross-site' }
      const read = await browser.ask('/fhir/Patient/p1', { headers })
      expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([200, 'https://portal.example'])
    },
  },
  {
    rule: 'a page that goes away ends the request to the FHIR server, and others go on',
    app,
    async run(world) {
      const { hostile, browser } = await loggedIn(world)
      const closed = new Promise((resolve) => {
        hostile.at('/fhir/Patient/p1', (response) => {
          response.on('close', () => resolve(response.writableEnded))
          response.writeHead(200, { 'content-type': 'application/octet-stream' }).write('begin')
        })
      })
      const leave = new AbortController()
      const left = browser.ask('/fhir/Patient/p1', { signal: leave.signal }).catch((error: unknown) => error)
      setTimeout(() => leave.abort(), 100)
      expect(await left).toBeInstanceOf(Error)
      expect(await closed).toBe(false)
      expect((await browser.ask('/fhir/Patient/p2')).status).toBe(200)
    },
  },
]
