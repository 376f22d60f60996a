import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'

export const logout: readonly ConformanceCase[] = [
  {
    rule: 'REV-01 logout ends the session here, revokes at the server and goes to its page',
    app: { launch: { paths: { loggedOut: '/open' } } },
    async run({ sandbox, base, visitor }) {
      const browser = visitor()
      await browser.logIn()
      const { cookieHeader } = browser
      const answer = await browser.logOut()
      expect([answer.status, answer.location.href]).toEqual([303, `${base}/open`])
      expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/^fhir-auth\.session=; .*Max-Age=0/)])
      const [revocation] = sandbox.requestsTo('/revoke')
      expect(revocation?.form.get('token_type_hint')).toBe('refresh_token')
      // The server has ended it too, not only the browser.
      expect((await visitor().ask('/guarded', { headers: { cookie: cookieHeader } })).status).toBe(401)
    },
  },
  {
    rule: 'logout from another origin is refused, and the session stays',
    async run({ sandbox, origin, visitor }) {
      const browser = visitor()
      await browser.logIn()
      const otherOrigins = [
        'https://evil.example',
        'null',
        `${origin}.evil.example`,
        origin.replace('127.0.0.1', 'localhost'),
      ]
      const others = otherOrigins.map((other) => ({ origin: other, 'sec-fetch-site': 'cross-site' }))
      for (const headers of [{}, { origin: 'null', 'sec-fetch-site': 'same-site' }, ...others]) {
        const answer = await browser.logOut({ headers: { ...headers, accept: 'application/json' } })
        expect([headers, answer.status, answer.json().code]).toEqual([headers, 403, 'cross_origin_request'])
        expect(answer.headers.getSetCookie()).toEqual([])
      }
      expect((await browser.ask('/guarded')).status).toBe(200)
      expect(sandbox.requestsTo('/revoke')).toEqual([])
    },
  },
  {
    rule: 'logout from a page of the app that hides its origin passes, since the browser vouches for it',
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      const headers = { origin: 'null', 'sec-fetch-site': 'same-origin' }
      expect((await browser.logOut({ headers })).status).toBe(303)
      expect((await browser.ask('/guarded')).status).toBe(401)
    },
  },
  {
    rule: 'REV-03 a server that cannot be reached does not keep a person logged in',
    async run({ sandbox, visitor }) {
      const browser = visitor()
      await browser.logIn()
      const { cookieHeader } = browser
      sandbox.fault({ at: 'revocation', kind: 'reset' })
      expect((await browser.logOut()).status).toBe(303)
      expect((await visitor().ask('/guarded', { headers: { cookie: cookieHeader } })).status).toBe(401)
    },
  },
  {
    rule: 'logout without a session is no error',
    async run({ visitor }) {
      expect((await visitor().logOut()).status).toBe(303)
    },
  },
  {
    rule: 'logout ends one browser, and no other',
    async run({ visitor }) {
      const [one, other] = [visitor(), visitor()]
      await one.logIn()
      await other.logIn()
      await one.logOut()
      expect([(await one.ask('/guarded')).status, (await other.ask('/guarded')).status]).toEqual([401, 200])
    },
  },
]
