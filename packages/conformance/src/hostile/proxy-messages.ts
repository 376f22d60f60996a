import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { sendJson } from './hostile-server.ts'
import { app, entry, loggedIn, post, postBundle } from './proxy-setup.ts'

/** Bodies and headers that say two things, or more than they should. */
export const hostileProxyMessages: readonly ConformanceCase[] = [
  {
    rule: 'a batch is sent only if each of its entries would be allowed alone (FHIR R4 §3.1.0.11)',
    app,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      const refused: unknown[] = [
        entry('DELETE', 'Patient/p1'),
        entry('GET', 'Condition?patient=p1'),
        entry('GET', 'https://evil.example/fhir/Patient/p1'),
        entry('GET', '/Patient/p1'),
        entry('GET', '../admin'),
        entry('GET', '$export'),
        entry('GET', 'Patient/p1/_history'),
        entry('POST', ''),
        entry('PUT', 'Observation?code=x'),
        { ...entry('PUT', 'Observation/o1'), resource: { resourceType: 'Patient', id: 'o1' } },
        { resource: { resourceType: 'Observation' } },
        { request: { method: ['GET'], url: 'Patient/p1' } },
        null,
      ]
      for (const each of refused) {
        const answer = await postBundle(browser, [entry('GET', 'Patient/p1'), each])
        expect([each, answer.status]).toEqual([each, 403])
        expect(answer.json().detail).toContain('Entry 1')
      }
      for (const body of ['{"resourceType":"Bundle","type":"message","entry":[]}', '[]', 'null', '{', '<Bundle/>']) {
        expect((await post(browser, '/fhir/', body)).status).toBe(403)
      }
      expect(hostile.requests.slice(before)).toEqual([])
      expect((await postBundle(browser, [entry('GET', 'Patient/p1'), entry('PUT', 'Observation/o1')])).status).toBe(200)
    },
  },
  {
    rule: 'a body with a member twice, which two readers read in two ways, is not sent (RFC 8259 §4)',
    app,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      const twice =
        '{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"DELETE","url":"Patient/p1"},"request":{"method":"GET","url":"Patient/p1"}}]}'
      expect((await post(browser, '/fhir/', twice)).json()).toMatchObject({ code: 'proxy_refused', status: 403 })
      const escaped = twice.replace('"request":{"method":"DELETE"', '"re\\u0071uest":{"method":"DELETE"')
      expect((await post(browser, '/fhir/', escaped)).status).toBe(403)
      expect(hostile.requests.slice(before)).toEqual([])
    },
  },
  {
    rule: 'a FHIR server that redirects gets no second request with the token, and the page sees where it points (RFC 6750 §5.3)',
    app,
    async run(world) {
      const { hostile, browser } = await loggedIn(world)
      for (const [location, shown] of [
        [`${hostile.elsewhere}/x`, `${hostile.elsewhere}/x`],
        [`${hostile.fhirBaseUrl}/Patient/p9`, '/fhir/Patient/p9'],
        ['javascript:alert(1)', null],
        ['//evil.example/x', null],
      ]) {
        hostile.at('/fhir/Patient/p1', (response) => response.writeHead(302, { location: location ?? '' }).end())
        const answer = await browser.ask('/fhir/Patient/p1', { redirect: 'manual' })
        expect([answer.status, answer.headers.get('location')]).toEqual([302, shown])
      }
      expect(hostile.requests.filter(({ host }) => host === 'elsewhere')).toEqual([])
    },
  },
  {
    rule: 'a FHIR server cannot plant a header, nor a link out of the proxy that looks like one into it (RFC 9110 §5.5)',
    app,
    async run(world) {
      const { hostile, browser } = await loggedIn(world)
      hostile.at('/fhir/Patient', (response) => {
        response.setHeader('etag', Buffer.from('"\u00e9\u0001"', 'latin1').toString('latin1').replace('\u0001', '\t'))
        sendJson(response, {
          resourceType: 'Bundle',
          link: [
            { relation: 'next', url: `${hostile.fhirBaseUrl}/..%2f..%2fadmin` },
            { relation: 'previous', url: `${hostile.fhirBaseUrl}/../admin` },
            { relation: 'first', url: `${hostile.fhirBaseUrl.replace('//', '//x@')}/Patient` },
          ],
        })
      })
      const answer = await browser.ask('/fhir/Patient')
      expect(answer.status).toBe(200)
      expect(answer.headers.get('etag')).toBeNull()
      const { link } = answer.json<{ link: { url: string }[] }>()
      expect(link.filter(({ url }) => url.startsWith('/fhir'))).toEqual([])
    },
  },
  {
    rule: 'no answer of the proxy, no problem and no event has a token (SEC-09)',
    app,
    async run(world) {
      const { hostile, browser, addToken } = await loggedIn(world)
      // After the case, all answers and logs are searched for it.
      hostile.at('/fhir/Patient/p1', (response, { headers }) => {
        addToken(headers.authorization)
        response.destroy()
      })
      expect((await browser.ask('/fhir/Patient/p1')).status).toBe(502)
      expect((await browser.ask('/session')).status).toBe(200)
    },
  },
  {
    rule: 'an answer with two lengths, with a length and chunks, or with headers without end is none (RFC 9112 §6.3)',
    app,
    async run(world) {
      const { hostile, browser } = await loggedIn(world)
      const second = 'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nplanted'
      for (const [headers, body] of [
        ['content-length: 2\r\ncontent-length: 3', `{}${second}`],
        ['content-length: 2\r\ntransfer-encoding: chunked', `2\r\n{}\r\n0\r\n\r\n${second}`],
        [`x-long: ${'x'.repeat(64 * 1024)}\r\ncontent-length: 2`, '{}'],
      ]) {
        hostile.at('/fhir/Patient/p1', ({ socket }) => socket?.end(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\n${body}`))
        const answer = await browser.ask('/fhir/Patient/p1')
        expect([headers, answer.status, answer.json().code]).toEqual([headers, 502, 'network_error'])
        expect((await browser.ask('/fhir/Patient/p2')).json()).toMatchObject({ resourceType: 'Patient' })
      }
    },
  },
]
