import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { logInAtHostile } from '../hostile/hostile-login.ts'
import { sendJson, sendText } from '../hostile/hostile-server.ts'
import { allow, type Bundle, echo } from './proxy-setup.ts'

/** What of the FHIR server's answer reaches the page. */
export const proxyAnswers: readonly ConformanceCase[] = [
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
    rule: 'an answer in gzip arrives decoded, or as it is with its coding (RFC 9110 §8.4)',
    app: echo,
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      const sendGzip = (body: object) => (response: ServerResponse) =>
        response
          .writeHead(200, { 'content-type': 'application/fhir+json', 'content-encoding': 'gzip' })
          .end(gzipSync(JSON.stringify(body)))
      hostile.at('/fhir/Patient/p1', sendGzip({ resourceType: 'Patient', id: 'p1' }))
      const link = [{ relation: 'next', url: `${hostile.fhirBaseUrl}/Patient?page=2` }]
      hostile.at('/fhir/Patient', sendGzip({ resourceType: 'Bundle', link }))
      const headers = { cookie: browser.cookieHeader }
      // This browser reads no gzip, and fetch does.
      const ways = [
        async (path: string) => (await browser.ask(path)).json(),
        async (path: string) => (await fetch(browser.urlOf(path), { headers })).json(),
      ]
      for (const read of ways) {
        expect(await read('/fhir/Patient/p1')).toEqual({ resourceType: 'Patient', id: 'p1' })
        expect(await read('/fhir/Patient')).toMatchObject({ link: [{ url: '/fhir/Patient?page=2' }] })
      }
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
    rule: 'an answer to HEAD has the status and the headers of GET, and no body (RFC 9110 §9.3.2)',
    app: echo,
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      hostile.at('/fhir/Patient/p1', (response) => {
        response.setHeader('etag', 'W/"7"')
        sendJson(response, { resourceType: 'Patient', id: 'p1' })
      })
      const answer = await browser.ask('/fhir/Patient/p1', { method: 'HEAD' })
      expect(hostile.requests.at(-1)?.method).toBe('HEAD')
      expect([answer.status, answer.headers.get('etag'), answer.text]).toEqual([200, 'W/"7"', ''])
    },
  },
  {
    rule: 'a redirect that answers a body of more than 256 KiB is not followed, with the body or without (RFC 9110 §15.4)',
    app: { registeredAt: 'hostile', proxy: { allow: ['POST Binary', 'GET Binary'] } },
    async run({ hostile, visitor }) {
      const browser = visitor()
      await logInAtHostile(browser)
      const headers = { 'content-type': 'application/pdf', 'sec-fetch-site': 'same-origin' }
      for (const status of [302, 303, 307]) {
        hostile.at('/fhir/Binary', (response) => {
          response.writeHead(status, { location: `${hostile.elsewhere}/fhir/Binary` }).end()
        })
        const init = { method: 'POST', headers, body: Buffer.alloc(300 * 1024, 'abc'), redirect: 'manual' } as const
        const answer = await browser.ask('/fhir/Binary', init)
        // Some runtimes hide a redirect of a streamed body from us.
        expect([status, 502]).toContain(answer.status)
      }
      expect(hostile.requests.filter(({ host }) => host === 'elsewhere')).toEqual([])
      expect(hostile.requestsTo('/fhir/Binary')).toHaveLength(3)
    },
  },
]
