import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { rawRequest } from '../raw-request.ts'
import { app, loggedIn, ownHeaders, SAME_ORIGIN } from './proxy-setup.ts'

/** Paths that a server, or a proxy before it, could read as another one. */
const PATH_TRICKS = [
  '/fhir/../admin',
  '/fhir/%2e%2e/admin',
  '/fhir/%2E%2E%2fadmin',
  '/fhir/..%2fadmin',
  '/fhir/..%5cadmin',
  '/fhir/..;/admin',
  '/fhir/%252e%252e%252fadmin',
  '/fhir/Patient/../../admin',
  '/fhir/Patient/..',
  '/fhir/Patient/%2e%2e/%2e%2e/admin',
  '/fhir/./Patient/p1',
  '/fhir/Patient//p1',
  '/fhir//Patient/p1',
  '/fhir//evil.example/Patient',
  '/fhir/\\\\evil.example/Patient',
  '/fhir/https://evil.example/Patient',
  '/fhir/https:%2f%2fevil.example/Patient',
  '/fhir/Patient/p1%00',
  '/fhir/Patient/p1%0d%0ahost:%20evil.example',
  '/fhir/Patient/p1%2f..%2fp2',
  '/fhir/Patient;v=1/p1',
  '/fhir/@evil.example/Patient',
  '/fhir/Patient/p1/../p2',
  '/fhir/pati%65nt/p1',
  '/fhir/%50atient/p1',
]

/** Requests that no browser writes. */
export const hostileProxyVisitor: readonly ConformanceCase[] = [
  {
    rule: `none of ${PATH_TRICKS.length} paths in disguise reaches the FHIR server (RFC 3986 §6.2.2, CWE-22)`,
    app,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      for (const path of PATH_TRICKS) {
        const { status } = await rawRequest(world.origin, { path, headers: ownHeaders(browser) })
        // Some runtimes tidy a path up before the app sees it. Then it is a plain path, which is allowed or not.
        if (status !== 200) expect([path, status >= 400]).toEqual([path, true])
      }
      for (const { path } of hostile.requests.slice(before)) expect(path).toMatch(/^\/fhir\/Patient\/p[12]$/)
    },
  },
  {
    rule: 'an absolute URL as the target, or another Host, goes to the registered server or nowhere (RFC 9112 §3.2.2)',
    app,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      await rawRequest(world.origin, {
        path: 'http://evil.example/fhir/Patient/p1',
        headers: ownHeaders(browser),
      }).catch(() => {})
      await rawRequest(world.origin, {
        path: '/fhir/Patient/p1',
        headers: { ...ownHeaders(browser), host: 'evil.example' },
      })
      for (const { path, headers } of hostile.requests.slice(before)) {
        expect(path).toBe('/fhir/Patient/p1')
        expect(headers.host).toBe(new URL(hostile.origin).host)
      }
    },
  },
  {
    rule: 'a method in a header or in the query changes no method, and an unknown one is 405',
    app,
    async run(world) {
      const { hostile, browser } = await loggedIn(world)
      for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
        await browser.ask('/fhir/Patient/p1', { headers: { [name]: 'DELETE' } })
        const sent = hostile.requests.at(-1)
        expect([sent?.method, sent?.headers[name]]).toEqual(['GET', undefined])
      }
      const unknown = await rawRequest(world.origin, {
        method: 'PROPFIND',
        path: '/fhir/Patient/p1',
        headers: ownHeaders(browser),
      })
      expect([404, 405]).toContain(unknown.status)
    },
  },
  {
    rule: 'two lengths, or a length and chunks, smuggle no second request (RFC 9112 §6.3)',
    app,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      const headers = { ...ownHeaders(browser), ...SAME_ORIGIN, 'content-length': '4', 'transfer-encoding': 'chunked' }
      const body = '0\r\n\r\nGET /fhir/Patient/p2 HTTP/1.1\r\nhost: x\r\n\r\n'
      await rawRequest(world.origin, { method: 'POST', path: '/fhir/Observation', headers, body }).catch(() => {})
      expect(hostile.requests.slice(before).filter(({ path }) => path.includes('p2'))).toEqual([])
    },
  },
  {
    rule: 'a parameter in disguise passes no list, and the launch id is sent in no spelling (RFC 3986 §6.2.2.2)',
    app: {
      registeredAt: 'hostile',
      proxy: { allow: [{ method: 'GET', type: 'Observation', parameters: ['category'] }, 'GET Patient'] },
    },
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      for (const query of ['launch%5Fid=x', '%6caunch_id=x', 'category=a&launch%5fid=x%26_include=y']) {
        expect((await browser.ask(`/fhir/Observation?${query}`)).status).toBe(200)
        expect((await browser.ask(`/fhir/Patient?${query}`)).status).toBe(200)
      }
      // A second question mark belongs to the name, and some servers separate at a semicolon.
      for (const query of ['?category=a', 'category=a&%5finclude=y', 'category=a&;_include=y']) {
        expect([query, (await browser.ask(`/fhir/Observation?${query}`)).status]).toEqual([query, 403])
      }
      expect((await browser.ask('/fhir/Observation?category=a;_include=y')).status).toBe(200)
      const queries = hostile.requests.slice(before).map(({ path }) => path.split('?')[1])
      expect(new Set(queries)).toEqual(new Set([undefined, 'category=a', 'category=a%3B_include=y']))
    },
  },
]
