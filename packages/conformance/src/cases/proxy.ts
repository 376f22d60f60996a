import type { SessionInfo } from '@fhir-auth/core'
import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { logInAtHostile } from '../hostile/hostile-login.ts'
import { sendJson, sendText } from '../hostile/hostile-server.ts'
import type { Visitor } from '../visitor.ts'
import { openTwoTabs } from './two-tabs.ts'

const allow = ['GET Patient', 'GET Observation', 'POST Observation', 'GET metadata']
const app = { proxy: { allow } } as const
/** At a server that answers everything, so that a case sees what was sent. */
const echo = { registeredAt: 'hostile', proxy: { allow } } as const

const JSON_BODY = { 'content-type': 'application/fhir+json', 'sec-fetch-site': 'same-origin' }

export const fhirProxy: readonly ConformanceCase[] = [
  {
    rule: 'a page reads the patient in context, and gets the resource as the server wrote it',
    app,
    async run({ sandbox, visitor }) {
      const browser = visitor()
      await browser.logIn()
      const { patient } = await sessionOf(browser)
      const answer = await browser.ask(`/fhir/Patient/${patient}`)
      expect(answer.status).toBe(200)
      expect(answer.json()).toMatchObject({ resourceType: 'Patient', id: sandbox.patients[0]?.id })
      expect(answer.headers.get('content-type')).toContain('application/fhir+json')
    },
  },
  {
    rule: 'the links of a search lead through the proxy, page after page (FHIR R4 §3.1.1.4)',
    app,
    async run({ base, visitor }) {
      const browser = visitor()
      await browser.logIn()
      const { patient } = await sessionOf(browser)
      let url: string | undefined = `/fhir/Observation?patient=${patient}&_count=5`
      const seen = new Set<string>()
      for (let page = 0; url !== undefined && page < 3; page++) {
        const bundle: Bundle = (await browser.ask(url.startsWith('/fhir') ? url : '')).json<Bundle>()
        for (const { fullUrl, resource } of bundle.entry) {
          expect(fullUrl).toBe(`${new URL(base).pathname.replace(/\/$/, '')}/fhir/Observation/${resource.id}`)
          seen.add(resource.id)
        }
        url = bundle.link.find(({ relation }) => relation === 'next')?.url
      }
      expect(seen.size).toBe(15)
    },
  },
  {
    rule: 'a page writes, and learns by a path of the app where the resource is (RFC 9110 §10.2.2)',
    app: { ...app, launch: { scope: 'openid fhirUser launch/patient patient/*.crs offline_access' } },
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      const { patient } = await sessionOf(browser)
      const written = await browser.ask('/fhir/Observation', {
        method: 'POST',
        headers: JSON_BODY,
        body: JSON.stringify({
          resourceType: 'Observation',
          status: 'final',
          code: { text: 'weight' },
          subject: { reference: `Patient/${patient}` },
        }),
      })
      expect(written.status).toBe(201)
      const location = written.headers.get('location') ?? ''
      expect(location).toMatch(/^\/fhir\/Observation\/[^/]+/)
      expect((await browser.ask(location.split('/_history')[0] ?? '')).json()).toMatchObject({
        code: { text: 'weight' },
      })
    },
  },
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
      for (const name of ['set-cookie', 'access-control-allow-origin', 'x-powered-by']) {
        // Frameworks set some of them for themselves, and never with the server's value.
        expect([name, answer.headers.get(name)]).not.toContain('of-the-server')
        expect(answer.headers.get(name)).not.toBe(name === 'x-powered-by' ? 'somebody' : '*')
      }
    },
  },
  {
    rule: 'an answer is stored by no cache, runs no script and is no other type than it says (RFC 9111 §5.2.2.5, CSP3 §6.3.2)',
    app: echo,
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      hostile.at('/fhir/Patient/p1', (response) => {
        response.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'public' }).end('<script>1</script>')
      })
      const { headers } = await browser.ask('/fhir/Patient/p1')
      expect(headers.get('cache-control')).toBe('private, no-store')
      expect(headers.get('content-security-policy')).toContain('sandbox')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    },
  },
  {
    rule: 'the answer of the FHIR server passes with its status: an OperationOutcome of 404, 409, 422 and 429',
    app: echo,
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      for (const status of [400, 404, 409, 412, 422, 429, 500]) {
        hostile.at('/fhir/Patient/p1', (response) => {
          response.setHeader('retry-after', '7')
          sendJson(response, { resourceType: 'OperationOutcome', issue: [{ code: String(status) }] }, status)
        })
        const answer = await browser.ask('/fhir/Patient/p1')
        expect(answer.status).toBe(status)
        expect(answer.json()).toEqual({ resourceType: 'OperationOutcome', issue: [{ code: String(status) }] })
        expect(answer.headers.get('retry-after')).toBe('7')
      }
    },
  },
  {
    rule: 'without a login the answer is 401 problem+json with the address of the login, and nothing is sent',
    app: echo,
    async run({ base, hostile, visitor }) {
      const answer = await visitor().ask('/fhir/Patient/p1', {
        headers: { 'sec-fetch-site': 'same-origin', referer: `${base}/chart?tab=2` },
      })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
      expect(answer.json()).toMatchObject({ code: 'login_required' })
      const loginUrl = new URL(String(answer.json().loginUrl), base)
      expect([loginUrl.pathname, loginUrl.searchParams.get('returnTo')]).toEqual(['/login', '/chart?tab=2'])
      expect(hostile.requestsTo('/fhir/Patient/p1')).toEqual([])
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
    rule: 'a session whose token is refused again and again is 401 problem+json, which a page understands',
    app: echo,
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      hostile.at('/fhir/Patient/p1', (response) => sendJson(response, {}, 401))
      const answer = await browser.ask('/fhir/Patient/p1')
      expect([answer.status, answer.json().code]).toEqual([401, 'session_ended'])
      expect(answer.json().loginUrl).toBe('/login')
    },
  },
  {
    rule: 'a server that does not answer in time is 504, and one that breaks off is 502, with problem+json',
    app: { registeredAt: 'hostile', proxy: { allow, timeoutSeconds: 0.3 } },
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      hostile.at('/fhir/Patient/p1', () => {})
      expect((await browser.ask('/fhir/Patient/p1')).json()).toMatchObject({ code: 'timeout', status: 504 })
      hostile.at('/fhir/Patient/p1', (response) => response.destroy())
      expect((await browser.ask('/fhir/Patient/p1')).json()).toMatchObject({ code: 'network_error', status: 502 })
    },
  },
  {
    rule: 'a body that breaks off at the server breaks off at the page too: it is never taken for whole (RFC 9112 §8)',
    app: { registeredAt: 'hostile', proxy: { allow, timeoutSeconds: 0.5 } },
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      hostile.at('/fhir/Patient/p1', (response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' }).write('half')
        setTimeout(() => response.destroy(), 50)
      })
      await expect(browser.ask('/fhir/Patient/p1')).rejects.toThrow()
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
    rule: 'an answer in gzip arrives decoded, or as it is with its coding (RFC 9110 §8.4)',
    app: echo,
    async run({ hostile, visitor }) {
      const { gzipSync } = await import('node:zlib')
      const browser = visitor()
      await logInAtHostile(browser)
      hostile.at('/fhir/Patient/p1', (response) =>
        response
          .writeHead(200, { 'content-type': 'application/fhir+json', 'content-encoding': 'gzip' })
          .end(gzipSync(JSON.stringify({ resourceType: 'Patient', id: 'p1' }))),
      )
      expect((await browser.ask('/fhir/Patient/p1')).json()).toEqual({ resourceType: 'Patient', id: 'p1' })
    },
  },
  {
    rule: 'links to other places, and URLs in resources, stay as they are',
    app: echo,
    async run({ hostile, visitor }) {
      const { fhirBaseUrl } = hostile
      const bundle = {
        resourceType: 'Bundle',
        link: [
          { relation: 'self', url: `${fhirBaseUrl}/Patient` },
          { relation: 'other', url: 'https://elsewhere.example/fhir/Patient' },
          { relation: 'beside', url: `${hostile.origin}/fhir-other/Patient` },
        ],
        entry: [
          {
            fullUrl: `${fhirBaseUrl}/Patient/p1`,
            resource: { resourceType: 'Patient', extension: [{ url: `${fhirBaseUrl}/StructureDefinition/x` }] },
          },
        ],
      }
      const browser = visitor()
      await logInAtHostile(browser)
      hostile.at('/fhir/Patient', (response) => sendText(response, JSON.stringify(bundle)))
      const seen = (await browser.ask('/fhir/Patient')).json<Bundle>()
      expect(seen.link.map(({ url }) => url)).toEqual(['/fhir/Patient', ...bundle.link.slice(1).map(({ url }) => url)])
      expect(seen.entry).toEqual([{ ...bundle.entry[0], fullUrl: '/fhir/Patient/p1' }])
    },
  },
  {
    rule: 'under a mount path, all paths are below it',
    app: { ...app, mountPath: '/ehr' },
    needs: ['mounting'],
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      const { patient, proxyUrl, loginUrl } = await sessionOf(browser)
      expect([proxyUrl, loginUrl]).toEqual(['/ehr/fhir', '/ehr/login'])
      const bundle = (await browser.ask(`/fhir/Observation?patient=${patient}&_count=1`)).json<Bundle>()
      expect(bundle.entry[0]?.fullUrl).toMatch(/^\/ehr\/fhir\/Observation\//)
    },
  },
  {
    rule: 'the session says who is logged in and what of it a page needs, and has no token',
    app,
    async run({ sandbox, visitor }) {
      const browser = visitor()
      expect(await sessionOf(browser)).toEqual({ loggedIn: false, loginUrl: '/login', proxyUrl: '/fhir' })
      await browser.logIn()
      const answer = await browser.ask('/session')
      expect(answer.headers.get('cache-control')).toBe('private, no-store')
      const { endsAt = '', scope, ...session } = answer.json<SessionInfo>()
      expect(session).toMatchObject({
        loggedIn: true,
        launchId: expect.any(String),
        patient: sandbox.patients[0]?.id,
        user: { type: expect.any(String), id: expect.any(String) },
        loginUrl: '/login',
        logoutUrl: '/logout',
        proxyUrl: '/fhir',
      })
      expect(scope).toContain('patient/*.rs')
      expect(Date.parse(endsAt)).toBeGreaterThan(Date.now())
      expect(Object.keys(session).filter((name) => /token|secret|cookie/i.test(name))).toEqual([])
    },
  },
  {
    rule: 'EHR-06 two launches in one browser: each page reads its own patient, and one that names none is refused',
    app,
    async run(world) {
      const { browser, launches } = await openTwoTabs(world)
      for (const { patient, launchId } of launches) {
        const headers = { 'fhir-launch-id': launchId }
        expect((await browser.ask('/session', { headers })).json()).toMatchObject({ patient, launchId })
        expect((await browser.ask(`/fhir/Patient/${patient}`, { headers })).json()).toMatchObject({ id: patient })
      }
      for (const path of ['/fhir/Patient', '/session']) {
        const unnamed = await browser.ask(path)
        expect([unnamed.status, unnamed.json().code]).toEqual([409, 'ambiguous_launch'])
      }
    },
  },
  {
    rule: 'a system token serves no page',
    app: { launch: false, backend: true, proxy: { allow } },
    async run({ visitor }) {
      const answer = await visitor().ask('/fhir/Patient')
      expect(answer.status).toBe(500)
      expect(answer.text).not.toContain('Bundle')
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

interface Bundle {
  link: { relation: string; url: string }[]
  entry: { fullUrl: string; resource: { id: string } }[]
}

async function sessionOf(browser: Visitor): Promise<SessionInfo> {
  return (await browser.ask('/session')).json<SessionInfo>()
}
