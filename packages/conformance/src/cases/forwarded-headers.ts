import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'

/** Headers that a client can forge, and that a careless proxy passes on. */
const SPOOFED = {
  host: 'evil.example',
  forwarded: 'for=1.2.3.4;host=evil.example;proto=https',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '443',
  'x-forwarded-prefix': '/evil',
  'x-original-url': '/open',
  'x-rewrite-url': '/open',
  'x-original-host': 'evil.example',
}

export const forwardedHeaders: readonly ConformanceCase[] = [
  {
    rule: 'AUTHZ-03 the redirect URI comes from the configuration, whatever host the request names',
    async run({ base, visitor }) {
      const { status, location } = await visitor().open('/login', { headers: SPOOFED })
      expect(status).toBe(303)
      expect(location.searchParams.get('redirect_uri')).toBe(`${base}/callback`)
    },
  },
  {
    rule: 'CB-07 no redirect of the app leads to the host that a request names',
    async run({ visitor }) {
      const guarded = await visitor().open('/guarded?a=1', { headers: SPOOFED })
      expect(guarded.headers.get('location')).toBe(`/login?returnTo=${encodeURIComponent('/guarded?a=1')}`)
      const browser = visitor()
      const { href } = await browser.logInUntilCallback()
      const answer = await browser.open(href, { headers: SPOOFED })
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    },
  },
  {
    rule: 'SEC-03 whether cookies are Secure is decided by the configuration, whatever scheme the request names',
    async run({ visitor }) {
      const { headers } = await visitor().open('/login', { headers: { 'x-forwarded-proto': 'https' } })
      expect(headers.getSetCookie()).toEqual([
        expect.stringMatching(/^fhir-auth\.login\.[^;]+; Path=\/; Max-Age=4200; HttpOnly; SameSite=Lax$/),
      ])
    },
  },
  {
    rule: 'the origin of a logout is compared with the configuration, whatever host the request names',
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      const headers = { ...SPOOFED, origin: 'https://evil.example', accept: 'application/json' }
      expect((await browser.logOut({ headers })).status).toBe(403)
      expect((await browser.ask('/guarded')).status).toBe(200)
    },
  },
]
