import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import type { Visitor } from '../visitor.ts'
import { changedCallback, expectNoExchange, expectRefused } from './callback-checks.ts'

export const callback: readonly ConformanceCase[] = [
  {
    rule: 'CB-09 a good callback sets the session and redirects to a clean URL, unstored and without referrer',
    async run({ base, visitor }) {
      const browser = visitor()
      const answer = await browser.open((await browser.logInUntilCallback()).href)
      expect([answer.status, answer.headers.get('location')]).toEqual([303, new URL('/', base).pathname])
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
      expect((await browser.ask('/guarded')).status).toBe(200)
    },
  },
  {
    rule: 'CB-04 parameters that are not known are ignored',
    async run({ visitor }) {
      const browser = visitor()
      const url = await browser.logInUntilCallback()
      for (const name of ['session_state', 'scope', '__proto__', 'x']) url.searchParams.append(name, 'anything')
      expect((await browser.open(url.href)).status).toBe(303)
    },
  },
  ...(['patient', 'encounter'] as const).map(
    (name): ConformanceCase => ({
      rule: `RSP-06 a token response whose ${name} is no FHIR id is refused, and nobody is logged in`,
      async run({ sandbox, visitor }) {
        for (const id of ['1?_count=1000', '..', '1%2f..%2f2', 'x'.repeat(65)]) {
          sandbox.fault({ at: 'token', kind: 'json', times: 1, patch: (body) => ({ ...body, [name]: id }) })
          const browser = visitor()
          const answer = await browser.ask((await browser.logInUntilCallback()).href)
          expect([answer.status, answer.json().code]).toEqual([502, 'invalid_token_response'])
          expect((await browser.ask('/guarded')).status).toBe(401)
        }
      },
    }),
  ),
  {
    rule: 'STATE-02 PKCE-06 a state that is altered or missing is refused, and the code is not sent',
    async run(world) {
      for (const change of [
        (query: URLSearchParams) => query.set('state', `${query.get('state')?.slice(0, -1)}_`),
        (query: URLSearchParams) => query.set('state', 'another-state'),
        (query: URLSearchParams) => query.set('state', ''),
        (query: URLSearchParams) => query.delete('state'),
      ]) {
        const answer = await changedCallback(world, change)
        expect(answer.status).toBe(400)
        expect(['state_mismatch', 'invalid_callback']).toContain(answer.json().code)
      }
      expectNoExchange(world)
    },
  },
  {
    rule: 'CB-02 a callback at the redirect URI of another registration is refused (RFC 9700 §4.4.2.2), and its login goes on',
    app: {
      launch: {
        callback: '/callback/one?server=a',
        others: [
          { fhirBaseUrl: 'https://fhir.two.example', callback: '/callback/two' },
          { fhirBaseUrl: 'https://fhir.three.example', callback: '/callback/one?server=b' },
        ],
        paths: { login: '/login', launch: '/launch', logout: '/logout' },
      },
    },
    async run(world) {
      const browser = world.visitor()
      const iss = world.sandbox.fhirBaseUrl
      const url = await browser.logInUntilCallback(`/login?${new URLSearchParams({ iss })}`)
      for (const [path, server] of [
        ['/callback/two', undefined],
        ['/callback/two', 'a'],
        ['/callback/one', 'b'],
        ['/callback/one', undefined],
      ] as const) {
        const foreign = new URL(path + url.search, world.origin)
        foreign.searchParams.delete('server')
        if (server !== undefined) foreign.searchParams.set('server', server)
        expectRefused(await browser.ask(foreign.href), 400, 'redirect_uri_mismatch')
      }
      expectNoExchange(world)
      expect((await browser.open(url.href)).status).toBe(303)
      expect((await browser.ask('/guarded')).status).toBe(200)
    },
  },
  {
    rule: 'STATE-02 PKCE-03 a callback in another browser is refused, and the code is not sent',
    async run(world) {
      const url = await world.visitor().logInUntilCallback()
      const other = world.visitor()
      await other.open('/login')
      const answer = await other.ask(url.href)
      expectRefused(answer, 400, 'state_mismatch')
      expectNoExchange(world)
      expect((await other.ask('/guarded')).status).toBe(401)
    },
  },
  {
    rule: 'STATE-03 TOK-06 a callback that is opened again leads where it led before, and its code is not sent again',
    async run({ visitor, tokenRequests }) {
      const browser = visitor()
      const url = await browser.logInUntilCallback('/guarded?a=1')
      const cookie = browser.cookieHeader
      const first = await browser.open(url.href)
      const again = await browser.open(url.href)
      expect([again.status, again.location.href]).toEqual([303, first.location.href])
      expect(again.headers.getSetCookie()).toEqual([])
      // Another browser gets nothing with it.
      expectRefused(await visitor().ask(url.href), 400, 'transaction_used')
      // With the cookie that the browser was told to delete.
      expectRefused(await visitor().ask(url.href, { headers: { cookie } }), 400, 'transaction_used')
      expect(tokenRequests('authorization_code')).toHaveLength(1)
      expect((await browser.ask('/guarded')).status).toBe(200)
    },
  },
  {
    rule: 'STATE-03 of callbacks at once, one exchanges the code, and all lead to the same page',
    async run({ visitor, tokenRequests }) {
      const browser = visitor()
      const { href } = await browser.logInUntilCallback('/guarded?a=1')
      const answers = await Promise.all([browser.ask(href), browser.ask(href), browser.ask(href)])
      expect(answers.map(({ status }) => status)).toEqual([303, 303, 303])
      expect(new Set(answers.map(({ location }) => location.pathname + location.search)).size).toBe(1)
      expect(tokenRequests('authorization_code')).toHaveLength(1)
      expect((await browser.ask('/guarded')).status).toBe(200)
    },
  },
  {
    rule: 'STATE-04 a login that took too long is refused, and says so',
    needs: ['inProcess'],
    async run(world) {
      const browser = world.visitor()
      const { href } = await browser.logInUntilCallback()
      world.advanceSeconds(601)
      expectRefused(await browser.ask(href), 400, 'transaction_expired')
      expectNoExchange(world)
    },
  },
  {
    rule: 'STATE-05 what is kept with the state cannot be changed or swapped by the browser',
    async run(world) {
      const browser = world.visitor()
      const first = await browser.logInUntilCallback()
      const [one] = loginCookies(browser)
      const second = await browser.logInUntilCallback()
      const two = loginCookies(browser).find(({ name }) => name !== one?.name)
      for (const cookie of [
        `${one?.name}=${two?.value}; ${two?.name}=${one?.value}`,
        `${one?.name}=${one?.value.slice(0, -4)}AAAA; ${two?.name}=`,
      ]) {
        for (const { href } of [first, second]) {
          expectRefused(await world.visitor().ask(href, { headers: { cookie } }), 400, 'state_mismatch')
        }
      }
      expectNoExchange(world)
    },
  },
  {
    rule: 'CB-02 SEC-05 an iss of another server, or a missing one, is refused, and the code is not sent',
    async run(world) {
      for (const change of [
        (query: URLSearchParams) => query.set('iss', 'https://evil.example'),
        (query: URLSearchParams) => query.set('iss', `${world.sandbox.issuer}/`),
        (query: URLSearchParams) => query.delete('iss'),
      ]) {
        expectRefused(await changedCallback(world, change), 400, 'issuer_mismatch')
      }
      expectNoExchange(world)
    },
  },
  {
    rule: 'CB-05 a parameter that stands twice is refused, and the code is not sent',
    async run(world) {
      for (const name of ['code', 'state', 'iss']) {
        const repeat = (query: URLSearchParams) => query.append(name, query.get(name) ?? '')
        expectRefused(await changedCallback(world, repeat), 400, 'invalid_callback')
      }
      expectNoExchange(world)
    },
  },
]

function loginCookies({ agent }: Visitor) {
  return agent.cookies.filter(({ name }) => name.includes('fhir-auth.login'))
}
