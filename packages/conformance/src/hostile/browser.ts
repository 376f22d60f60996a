import { expect } from 'vitest'
import { expectRefused } from '../cases/callback-checks.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import { beginAtHostile, logInAtHostile } from './hostile-login.ts'

const app = { registeredAt: 'hostile' } as const

/** Addresses that some browser, server or parser takes for one of another host, or for more than an address. */
const RETURN_TO_PAYLOADS: readonly string[] = [
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '/\\\\evil.example',
  '\\/evil.example',
  '\\\\evil.example',
  '\\evil.example',
  'https://evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:\\\\evil.example',
  'HTTPS://evil.example',
  'http://127.0.0.1.evil.example',
  '@evil.example',
  '/@evil.example//',
  'evil.example',
  '.evil.example',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:msgbox(1)',
  'blob:https://evil.example/1',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '\u00a0//evil.example',
  '/..//evil.example',
  '/.//evil.example',
  '/a/../..//evil.example',
  '/%2e%2e//evil.example',
  '/%2f/evil.example/../../..//evil.example',
  '/%5cevil.example',
  '/\u2215/evil.example',
  '/open\r\nset-cookie: planted=1',
  '/open%0d%0aset-cookie:%20planted=1',
  '/open\u0000//evil.example',
  '/open?x=//evil.example#//evil.example',
  '?//evil.example',
  '#//evil.example',
]

/** Addresses to which an attacker wants the app to send a request. */
const INTERNAL = [
  'http://169.254.169.254/latest/meta-data',
  'http://127.0.0.1:6379/',
  'http://[::1]:6379/',
  'http://localhost/admin',
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/_INFO',
  'https://evil.example/fhir',
]

export const hostileBrowser: readonly ConformanceCase[] = [
  {
    rule: `CB-07 none of ${RETURN_TO_PAYLOADS.length} returnTo payloads leads to another origin, or plants a header (RFC 9700 §4.11.1)`,
    app,
    async run({ origin, visitor }) {
      for (const returnTo of RETURN_TO_PAYLOADS) {
        const answer = await logInAtHostile(visitor(), `/login?${new URLSearchParams({ returnTo })}`)
        expect([returnTo, answer.status, answer.location.origin]).toEqual([returnTo, 303, origin])
        expect(answer.headers.get('location')).toMatch(/^\/(?![/\\])[\x21-\x7e]*$/)
        expect(answer.headers.getSetCookie().join()).not.toContain('planted')
      }
    },
  },
  {
    rule: 'a returnTo too long to be kept is forgotten, and the person logs in (RFC 6265 §6.1)',
    app,
    async run({ visitor }) {
      const returnTo = `/open?x=${'y'.repeat(3500)}`
      const answer = await logInAtHostile(visitor(), `/login?${new URLSearchParams({ returnTo })}`)
      expect([answer.status, answer.location.pathname]).toEqual([303, '/'])
    },
  },
  {
    rule: 'PKCE-02 the code of another person, put into a login of one’s own, logs nobody in (RFC 9700 §4.5)',
    async run({ visitor }) {
      const [attacker, victim] = [visitor(), visitor()]
      const stolen = await victim.logInUntilCallback()
      const own = await attacker.logInUntilCallback()
      own.searchParams.set('code', stolen.searchParams.get('code') ?? '')
      expectRefused(await attacker.ask(own.href), 502, 'token_request_refused')
      expect((await attacker.ask('/guarded')).status).toBe(401)
    },
  },
  {
    rule: 'EHR-03 SEC-08 no address that a launch or login names is asked, but those of registrations (SSRF, RFC 9700 §4.4)',
    app,
    async run({ hostile, visitor }) {
      const { fhirBaseUrl, elsewhere } = hostile
      const near = ['@evil.example', '/../x', '%2f..', '.evil.example', '\\', ' ', '?x', '#x', '\u0000', '\r\nHost: x']
      const bases = [...INTERNAL, elsewhere, `${elsewhere}/fhir`, ...near.map((tail) => fhirBaseUrl + tail)]
      for (const iss of bases) {
        for (const path of ['/launch', '/login']) {
          const answer = await visitor().ask(`${path}?${new URLSearchParams({ iss, launch: 'a-launch-handle' })}`)
          expect([iss, path, answer.status, answer.json().code]).toEqual([iss, path, 403, 'unknown_issuer'])
        }
      }
      expect(hostile.requests).toEqual([])
    },
  },
  {
    rule: 'a logout leads to the page of the app, whatever the request asks for (RFC 9700 §4.11.1)',
    app,
    async run({ origin, base, visitor }) {
      const evil = 'https://evil.example/'
      const names = ['returnTo', 'return_to', 'redirect_uri', 'post_logout_redirect_uri', 'next', 'url']
      const asked = new URLSearchParams(Object.fromEntries(names.map((name) => [name, evil])))
      const browser = visitor()
      const body = asked
      const answer = await browser.open(`/logout?${asked}`, {
        method: 'POST',
        body,
        headers: { origin, referer: evil },
      })
      expect([answer.status, answer.location.href]).toEqual([303, `${base}/`])
    },
  },
  {
    rule: 'SEC-03 a cookie that a sibling host has tossed is no session (RFC 6265 §8.6, RFC 6265bis §4.1.3.2)',
    app: { ...app, launch: { redirectUri: 'https://portal.example/callback' } },
    async run({ visitor }) {
      const attacker = visitor()
      await logInAtHostile(attacker)
      const { sessionCookie: value } = attacker
      const statusWith = async (cookie: string) => (await visitor().ask('/guarded', { headers: { cookie } })).status
      expect(await statusWith(`__Host-fhir-auth.session=${value}`)).toBe(200)
      const tossed = [
        `fhir-auth.session=${value}`,
        `theme=a __Host-fhir-auth.session=${value}`,
        `theme=a,__Host-fhir-auth.session=${value}`,
        `x__Host-fhir-auth.session=${value}`,
        `__host-fhir-auth.session=${value}`,
        `__Secure-fhir-auth.session=${value}`,
        `theme="; __Host-fhir-auth.session"=${value}`,
      ]
      for (const cookie of tossed) expect([cookie, await statusWith(cookie)]).toEqual([cookie, 401])
    },
  },
  {
    rule: 'SEC-03 a hundred cookies of made-up logins and sessions open nothing, and stop nothing (RFC 6265 §6.1)',
    app,
    async run({ visitor }) {
      const names = Array.from({ length: 100 }, (_, index) => `fhir-auth.login.${index}=${'A'.repeat(60)}`)
      const cookie = [...names, 'fhir-auth.session.0=A', 'fhir-auth.session.1=A', 'fhir-auth.rounds=NaN'].join('; ')
      const headers = { cookie }
      expect((await visitor().ask('/guarded', { headers })).status).toBe(401)
      expect((await visitor().ask('/callback?code=some-stray-code&state=7', { headers })).status).toBe(400)
      expect((await visitor().open('/login', { headers })).status).toBe(303)
    },
  },
  {
    rule: 'names that every object has are names like others, in a query as in a cookie (RFC 6749 §3.1)',
    app,
    async run({ hostile, visitor }) {
      for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
        const query = new URLSearchParams({ code: 'some-stray-code', state: name, iss: name, launch_id: name })
        query.set(name, name)
        const headers = { cookie: `fhir-auth.session=${name}; fhir-auth.login.${name}=${name}; ${name}=${name}` }
        expect((await visitor().ask(`/callback?${query}`, { headers })).status).toBe(400)
        expect((await visitor().ask(`/guarded?${query}`, { headers })).status).toBe(401)
        expect((await visitor().ask(`/login?${query}`, { headers })).status).toBe(403)
      }
      expect(hostile.requests).toEqual([])
    },
  },
  {
    rule: 'STATE-02 a flood of made-up callbacks asks no server, and others log in meanwhile (RFC 9700 §4.7)',
    app,
    async run({ hostile, visitor }) {
      const browser = visitor()
      const { state } = await beginAtHostile(browser)
      const before = hostile.requests.length
      const flood = Array.from({ length: 100 }, (_, index) =>
        visitor().ask(`/callback?code=some-stray-code-${index}&state=made-up-${index}`),
      )
      const statuses = (await Promise.all(flood)).map(({ status }) => status)
      expect(new Set(statuses)).toEqual(new Set([400]))
      expect(hostile.requests.slice(before)).toEqual([])
      const query = new URLSearchParams({ code: crypto.randomUUID(), state })
      expect((await browser.ask(`/callback?${query}`)).status).toBe(303)
    },
  },
]
