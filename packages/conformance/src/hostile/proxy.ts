import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { rawRequest } from '../raw-request.ts'
import type { Visitor } from '../visitor.ts'
import type { World } from '../world.ts'
import { logInAtHostile } from './hostile-login.ts'
import { sendJson } from './hostile-server.ts'

const allow = ['GET Patient', 'GET Observation', 'POST Observation', 'PUT Observation', 'DELETE Observation', 'POST /']
const app = { registeredAt: 'hostile', proxy: { allow } } as const
/** The patient in context is p1. */
const enforced = { registeredAt: 'hostile', proxy: { allow, patient: 'enforce' } } as const
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/fhir+json' }

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

export const hostileProxy: readonly ConformanceCase[] = [
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
    rule: 'with patient: enforce, a request that names another patient is not sent',
    app: enforced,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      for (const path of [
        '/fhir/Patient/p2',
        '/fhir/Patient/p2/_history/1',
        '/fhir/Patient?_id=p2',
        '/fhir/Patient?_id=p1,p2',
        '/fhir/Patient?_id=p1&_id=p2',
        '/fhir/Observation?patient=p2',
        '/fhir/Observation?patient=p1,p2',
        '/fhir/Observation?patient=p1&patient=p2',
        '/fhir/Observation?patient=Patient%2Fp2',
        '/fhir/Observation?subject=Patient/p2',
        '/fhir/Observation?subject:Patient=p2',
        '/fhir/Observation?patient:missing=true',
        '/fhir/Observation?patient.name=x',
        '/fhir/Observation?patient:identifier=x%7Cy',
        '/fhir/Observation?subject:Patient.name=x',
        '/fhir/Observation?patient=https://evil.example/fhir/Patient/p1',
        '/fhir/Observation?_has:Group:member:_id=g1',
        '/fhir/Observation?_include=Observation:subject',
        '/fhir/Patient?_revinclude=Observation:subject',
        '/fhir/Observation?_filter=patient+eq+p2',
        '/fhir/Observation?_list=l1',
      ]) {
        const answer = await browser.ask(path)
        expect([path, answer.status, answer.json().code]).toEqual([path, 403, 'proxy_refused'])
      }
      expect(hostile.requests.slice(before)).toEqual([])
    },
  },
  {
    rule: 'with patient: enforce, a search gets the patient where it names none, by GET and by POST',
    app: enforced,
    async run(world) {
      const { hostile, browser } = await loggedIn(world)
      const sent = () => `${hostile.requests.at(-1)?.path}`
      await browser.ask('/fhir/Observation?category=vital-signs')
      expect(sent()).toBe('/fhir/Observation?category=vital-signs&patient=p1')
      await browser.ask('/fhir/Observation')
      expect(sent()).toBe('/fhir/Observation?patient=p1')
      await browser.ask('/fhir/Patient?name=x')
      expect(sent()).toBe('/fhir/Patient?name=x&_id=p1')
      await browser.ask('/fhir/Observation?patient=Patient/p1')
      expect(sent()).toBe('/fhir/Observation?patient=Patient/p1')
      const search = (body: string) =>
        browser.ask('/fhir/Observation/_search', {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
          body,
        })
      // Where a body parser of the framework has read the form, the answer says what to do.
      const answer = await search('category=x')
      if (answer.status === 200) {
        expect(hostile.requests.at(-1)?.body).toBe('category=x&patient=p1')
        expect((await search('patient=p2')).status).toBe(403)
      } else {
        expect(answer.status).toBe(500)
      }
    },
  },
  {
    rule: 'with patient: enforce, what is written may refer to no other patient, alone and in a batch',
    app: enforced,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      const about = (reference: string) => ({ resourceType: 'Observation', subject: { reference } })
      for (const reference of [
        'Patient/p2',
        `${hostile.fhirBaseUrl}/Patient/p2`,
        'Patient/p2/_history/1',
        '/Patient/p2',
      ]) {
        expect([
          reference,
          (await post(browser, '/fhir/Observation', JSON.stringify(about(reference)))).status,
        ]).toEqual([reference, 403])
        const item = { ...entry('POST', 'Observation'), resource: about(reference) }
        expect((await postBundle(browser, [item])).status).toBe(403)
      }
      const conditional = { ...SAME_ORIGIN, 'if-none-exist': 'identifier=x' }
      const body = JSON.stringify(about('Patient/p1'))
      const unsure = await browser.ask('/fhir/Observation', { method: 'POST', headers: conditional, body })
      expect(unsure.status).toBe(403)
      for (const url of ['Observation', 'Observation?patient=p2', 'Patient/p2']) {
        expect([url, (await postBundle(browser, [entry('GET', url)])).status]).toEqual([url, 403])
      }
      expect((await post(browser, '/fhir/Observation', '<Observation/>', 'application/fhir+xml')).status).toBe(403)
      expect(hostile.requests.slice(before)).toEqual([])
      expect((await post(browser, '/fhir/Observation', JSON.stringify(about('Patient/p1')))).status).toBe(200)
    },
  },
  {
    rule: 'with patient: enforce, a login without a patient reads nothing of a patient',
    app: {
      ...enforced,
      proxy: {
        allow: ['GET Observation', { method: 'GET', type: 'Practitioner', patient: 'unchecked' }],
        patient: 'enforce',
      },
    },
    async run(world) {
      const { hostile, visitor } = world
      hostile.change('/token', ({ patient: _, ...body }) => body)
      const browser = visitor()
      await logInAtHostile(browser)
      expect((await browser.ask('/fhir/Observation')).status).toBe(403)
      expect((await browser.ask('/fhir/Practitioner/d1')).status).toBe(200)
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
]

async function loggedIn({ hostile, visitor, addSecret }: World) {
  const browser = visitor()
  await logInAtHostile(browser)
  const addToken = (authorization = '') => addSecret(authorization.replace('Bearer ', ''))
  return { hostile, browser, before: hostile.requests.length, addToken }
}

function ownHeaders({ cookieHeader }: Visitor): Record<string, string> {
  return { cookie: cookieHeader, accept: 'application/json', 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }
}

function post(browser: Visitor, path: string, body: string, type = 'application/fhir+json') {
  return browser.ask(path, { method: 'POST', headers: { ...SAME_ORIGIN, 'content-type': type }, body })
}

function postBundle(browser: Visitor, items: readonly unknown[]) {
  return post(browser, '/fhir/', JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry: items }))
}

function entry(method: string, url: string): { request: { method: string; url: string } } {
  return { request: { method, url } }
}
