import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { logInAtHostile } from '../hostile/hostile-login.ts'
import { sendJson } from '../hostile/hostile-server.ts'
import { allow, echo, JSON_BODY, sessionOf } from './proxy-setup.ts'

/** What of a page's request reaches the FHIR server. */
export const proxyRequests: readonly ConformanceCase[] = [
  {
    rule: 'what is not in the allow-list is 403, is not sent, and the answer says what to add',
    app: echo,
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      const before = hostile.requests.length
      for (const [method, path, remedy] of [
        ['GET', '/fhir/Condition?patient=p1', "'GET Condition'"],
        ['GET', '/fhir/Patient/p1/_history', "interactions: ['history']"],
        ['GET', '/fhir/Patient/p1/$everything', "'GET Patient/$everything'"],
        ['GET', '/fhir/$export', "'GET $export'"],
        ['DELETE', '/fhir/Observation/o1', "'DELETE Observation'"],
        ['PUT', '/fhir/Patient/p1', "'PUT Patient'"],
        ['POST', '/fhir/', "'POST /'"],
        ['GET', '/fhir?_getpages=1', "'GET /'"],
      ] as const) {
        const answer = await browser.ask(path, { method, headers: { 'sec-fetch-site': 'same-origin' } })
        expect([path, answer.status, answer.json().code]).toEqual([path, 403, 'proxy_refused'])
        expect(answer.json().detail).toContain(remedy)
      }
      expect(hostile.requests.slice(before)).toEqual([])
    },
  },
  {
    rule: 'parameters pass as they are, but for the launch id; a rule may name those that pass',
    app: {
      registeredAt: 'hostile',
      proxy: { allow: ['GET Patient', { method: 'GET', type: 'Observation', parameters: ['category', '_count'] }] },
    },
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      const { launchId } = await sessionOf(browser)
      await browser.ask(`/fhir/Patient?name:exact=%C3%A9+x&launch_id=${launchId}&_tag=a%7Cb`)
      expect(hostile.requests.at(-1)?.path).toBe('/fhir/Patient?name:exact=%C3%A9+x&_tag=a%7Cb')
      expect((await browser.ask('/fhir/Observation?category=x&_count=1')).status).toBe(200)
      expect((await browser.ask('/fhir/Observation?category=x&_include=y')).status).toBe(403)
    },
  },
  {
    rule: 'only headers of the list go either way: no cookie, no authorization of the page, no Set-Cookie, nothing about the connection',
    app: echo,
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      hostile.at('/fhir/Patient/p1', (response) => {
        response.setHeader('set-cookie', 'session=of-the-server')
        response.setHeader('access-control-allow-origin', '*')
        response.setHeader('content-security-policy', 'none')
        response.setHeader('x-powered-by', 'somebody')
        response.setHeader('etag', 'W/"7"')
        response.setHeader('last-modified', 'Tue, 01 Sep 2026 00:00:00 GMT')
        sendJson(response, { resourceType: 'Patient' })
      })
      const answer = await browser.ask('/fhir/Patient/p1', {
        headers: {
          ...{ authorization: 'Basic abc', 'x-http-method-override': 'DELETE', 'x-forwarded-host': 'evil.example' },
          ...{ 'if-none-match': 'W/"6"', prefer: 'return=minimal', 'x-other': 'y', forwarded: 'host=evil.example' },
        },
      })
      const sent = hostile.requests.at(-1)?.headers ?? {}
      expect(sent.authorization).toMatch(/^Bearer /)
      expect(sent).toMatchObject({ 'if-none-match': 'W/"6"', prefer: 'return=minimal' })
      const forbidden = [
        'cookie',
        'x-http-method-override',
        'x-forwarded-host',
        'forwarded',
        'x-other',
        'origin',
        'referer',
      ]
      expect(forbidden.filter((name) => name in sent)).toEqual([])
      expect(answer.headers.get('etag')).toBe('W/"7"')
      expect(answer.headers.get('last-modified')).toBe('Tue, 01 Sep 2026 00:00:00 GMT')
      // Frameworks set some of them for themselves, and never with the server's value.
      expect(answer.headers.get('set-cookie') ?? '').not.toContain('of-the-server')
      expect(answer.headers.get('x-powered-by')).not.toBe('somebody')
      expect(answer.headers.get('access-control-allow-origin')).not.toBe('*')
      expect(answer.headers.get('content-security-policy')).not.toBe('none')
    },
  },
  {
    rule: 'a token that the server refuses is renewed once, and the request sent again, its body too',
    app: echo,
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      let asked = 0
      hostile.at('/fhir/Observation', (response) => {
        asked++
        if (asked === 1) sendJson(response, {}, 401)
        else sendJson(response, { resourceType: 'Observation', id: 'o1' }, 201)
      })
      const body = JSON.stringify({ resourceType: 'Observation', note: 'é' })
      const headers = { ...JSON_BODY, 'if-none-exist': 'identifier=x' }
      const answer = await browser.ask('/fhir/Observation', { method: 'POST', headers, body })
      expect(answer.status).toBe(201)
      expect(hostile.requests.at(-1)?.headers['if-none-exist']).toBe('identifier=x')
      expect(hostile.requestsTo('/fhir/Observation').map((request) => request.body)).toEqual([body, body])
    },
  },
  {
    rule: 'a body of 3 MB passes each way to the byte',
    app: { registeredAt: 'hostile', proxy: { allow: ['POST Binary', 'GET Binary'] } },
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      const large = Buffer.alloc(3 * 1024 * 1024, 'abc')
      hostile.at('/fhir/Binary', (response, { body }) =>
        response.writeHead(201, { 'content-type': 'text/plain' }).end(String(body.length)),
      )
      hostile.at('/fhir/Binary/b1', (response) =>
        response.writeHead(200, { 'content-type': 'application/pdf' }).end(large),
      )
      const headers = { 'content-type': 'application/pdf', 'sec-fetch-site': 'same-origin' }
      const sent = await browser.ask('/fhir/Binary', { method: 'POST', headers, body: large })
      expect([sent.status, sent.text]).toEqual([201, String(large.length)])
      expect((await browser.ask('/fhir/Binary/b1')).text).toBe(large.toString())
    },
  },
  {
    rule: 'a body beyond the limit is 413, declared or not',
    app: { registeredAt: 'hostile', proxy: { allow, maxRequestBytes: 1000 } },
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      const before = hostile.requests.length
      for (const body of ['x'.repeat(1001), new Blob(['x'.repeat(600), 'y'.repeat(600)]).stream()]) {
        const init = { method: 'POST', headers: JSON_BODY, body, duplex: 'half' } as RequestInit
        const answer = await browser.ask('/fhir/Observation', init)
        expect([answer.status, answer.json().code]).toEqual([413, 'request_too_large'])
      }
      expect(hostile.requests.slice(before)).toEqual([])
    },
  },
  {
    rule: 'each request is an event for an audit: what was done, not to whom',
    app: echo,
    needs: ['inProcess'],
    async run({ hostile, visitor, proxied }) {
      const browser = visitor()
      await logInAtHostile(browser)
      await browser.ask('/fhir/Patient/p1')
      await browser.ask('/fhir/Condition/c1')
      expect(proxied).toMatchObject([
        {
          type: 'proxied',
          fhirBaseUrl: hostile.fhirBaseUrl,
          method: 'GET',
          interaction: 'read',
          resourceType: 'Patient',
          status: 200,
        },
        { type: 'proxied', resourceType: 'Condition', status: 403, error: { code: 'proxy_refused' } },
      ])
      expect(JSON.stringify(proxied)).not.toMatch(/["/]p1\b/)
    },
  },
]
