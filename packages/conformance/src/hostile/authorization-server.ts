import { expect } from 'vitest'
import type { Whoami } from '../app/handlers.ts'
import { changedCallback, expectRefused } from '../cases/callback-checks.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import type { Visitor } from '../visitor.ts'
import type { World } from '../world.ts'
import { logInAtHostile } from './hostile-login.ts'
import { bombs, CONFIGURATION, redirectTo, sendJson, sendText } from './hostile-server.ts'

const app = { registeredAt: 'hostile' } as const
/** Tokens of the hostile server live for 300 s. */
const EXPIRED_SECONDS = 305

export const hostileAuthorizationServer: readonly ConformanceCase[] = [
  ...(['copies', 'omits'] as const).map(
    (does): ConformanceCase => ({
      rule: `mix-up: a server that sends people to another one, and ${does} its issuer, gets no code of it (RFC 9700 §4.4, RFC 9207 §2.4)`,
      app: { registeredAt: 'both' },
      async run({ hostile, sandbox, visitor }) {
        hostile.change(CONFIGURATION, (body) => ({
          ...body,
          issuer: does === 'copies' ? sandbox.issuer : undefined,
          authorization_endpoint: `${sandbox.origin.auth}/authorize`,
        }))
        const browser = visitor()
        const login = `/login?${new URLSearchParams({ iss: hostile.fhirBaseUrl })}`
        // The person logs in at the good server, and does not know of another one.
        const { location } = await browser.open(login)
        location.searchParams.set('aud', sandbox.fhirBaseUrl)
        const { href } = await browser.logInUntilCallback(location.href)
        expect(href).toContain('code=')
        expectRefused(await browser.ask(href), 400, 'issuer_mismatch')
        expect(hostile.requestsTo('/token')).toEqual([])
        expect((await browser.ask('/guarded')).status).toBe(401)
      },
    }),
  ),
  {
    rule: 'a server that names the issuer of another one speaks for nobody there (OIDC Discovery §4.3, RFC 8414 §3.3)',
    app: { registeredAt: 'both' },
    async run({ hostile, sandbox, visitor }) {
      hostile.change(CONFIGURATION, (body) => ({
        ...body,
        issuer: sandbox.issuer,
        authorization_response_iss_parameter_supported: false,
      }))
      hostile.change('/token', async (body) => ({
        ...body,
        // An id_token that the other server has signed for somebody, and that the attacker got in some way.
        id_token: await sandbox.signIdToken({ iss: sandbox.issuer, sub: 'somebody', aud: 'conformance-portal' }),
      }))
      const browser = visitor()
      const answer = await logInAtHostile(browser, `/login?${new URLSearchParams({ iss: hostile.fhirBaseUrl })}`)
      expectRefused(answer, 502, 'invalid_id_token')
      expect((await browser.ask('/guarded')).status).toBe(401)
    },
  },
  {
    rule: 'a server that names the token endpoint of another one gets nobody sent there, and no token of it (RFC 9700 §4.4)',
    app: { registeredAt: 'both' },
    async run({ hostile, sandbox, visitor }) {
      hostile.change(CONFIGURATION, ({ issuer: _, ...body }) => ({
        ...body,
        authorization_endpoint: `${sandbox.origin.auth}/authorize`,
        token_endpoint: `${sandbox.origin.auth}/token`,
      }))
      const answer = await visitor().ask(`/login?${new URLSearchParams({ iss: hostile.fhirBaseUrl })}`)
      expectRefused(answer, 502, 'discovery_failed')
      // The other server's own people come and go as before.
      const browser = visitor()
      await browser.logIn(`/login?${new URLSearchParams({ iss: sandbox.fhirBaseUrl })}`)
      expect((await browser.ask('/guarded')).status).toBe(200)
      expect(hostile.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
    },
  },
  {
    rule: 'a refresh that names another patient ends the launch, and shows that patient to nobody (SMART App Launch 2.2 “Refresh”)',
    app,
    needs: ['inProcess'],
    async run({ hostile, visitor, advanceSeconds }) {
      const browser = visitor()
      await logInAtHostile(browser)
      hostile.change('/token', (body) => ({ ...body, patient: 'somebody-else' }))
      advanceSeconds(EXPIRED_SECONDS)
      const answer = await browser.ask('/guarded')
      expectRefused(answer, 401, 'login_required')
      expect(answer.text).not.toContain('somebody-else')
      expect((await browser.ask('/open')).json<Whoami>()).toMatchObject({ loggedIn: false, patient: null })
    },
  },
  {
    rule: 'a Retry-After of thirty years stops refreshes for an hour at most (RFC 9110 §10.2.3)',
    app,
    needs: ['inProcess'],
    async run({ hostile, visitor, advanceSeconds }) {
      const browser = visitor()
      await logInAtHostile(browser)
      hostile.at('/token', (response) => {
        response.setHeader('retry-after', '999999999')
        sendJson(response, {}, 503)
      })
      advanceSeconds(EXPIRED_SECONDS)
      const answer = await browser.ask('/guarded')
      expectRefused(answer, 503, 'token_unavailable')
      const retryAfterSeconds = Number(answer.headers.get('retry-after'))
      expect(retryAfterSeconds).toBeLessThanOrEqual(3600)
      hostile.reset()
      // The person stays active meanwhile, so that the session does not end by idleness.
      advanceSeconds(retryAfterSeconds / 2)
      expectRefused(await browser.ask('/guarded'), 503, 'token_unavailable')
      advanceSeconds(retryAfterSeconds / 2)
      expect((await browser.ask('/guarded')).status).toBe(200)
    },
  },
  {
    rule: 'a token endpoint that redirects gets code and secret, and nobody after it does (RFC 9700 §4.12)',
    app,
    async run({ hostile, visitor }) {
      for (const status of [301, 302, 303, 307, 308]) {
        hostile.at('/token', redirectTo(`${hostile.elsewhere}/token`, status))
        expectRefused(await logInAtHostile(visitor()), 502, 'unexpected_redirect')
      }
      expectNothingElsewhere(hostile)
    },
  },
  {
    rule: 'a configuration is read where it was asked for, and at no address that it redirects to (RFC 8414 §3)',
    app,
    async run({ hostile, visitor }) {
      hostile.at(CONFIGURATION, redirectTo(`${hostile.elsewhere}/configuration`))
      const answer = await visitor().ask('/login')
      expect(answer.status).toBe(502)
      expectNothingElsewhere(hostile)
    },
  },
  {
    rule: 'an endpoint that is no https address is used by nobody (RFC 6749 §3.1.2.1, RFC 8414 §2)',
    app,
    async run({ hostile, visitor }) {
      for (const endpoint of [
        'javascript:alert(1)',
        'data:text/html,x',
        'http://evil.example/authorize',
        'file:///etc',
      ]) {
        for (const name of ['authorization_endpoint', 'token_endpoint']) {
          hostile.change(CONFIGURATION, (body) => ({ ...body, [name]: endpoint }))
          const answer = await visitor().open('/login')
          expect([name, endpoint, answer.headers.get('location')]).toEqual([name, endpoint, null])
          expect(answer.status).toBeGreaterThanOrEqual(500)
          expect(answer.text).not.toContain('javascript:')
        }
      }
    },
  },
  ...Object.entries(bombs).flatMap(([what, bomb]): ConformanceCase[] => [
    {
      rule: `${what} as a token response is not read to its end, and the next person logs in (RFC 6749 §5.1)`,
      app,
      async run(world) {
        const { hostile, visitor } = world
        hostile.at('/token', bomb)
        const browser = visitor()
        const answer = await logInAtHostile(browser)
        expect([502, 504]).toContain(answer.status)
        expect((await browser.ask('/guarded')).status).toBe(401)
        await expectOthersLogIn(world)
      },
    },
    {
      rule: `${what} as a configuration is not read to its end (RFC 8414 §3.2)`,
      app,
      async run({ hostile, visitor }) {
        hostile.at(CONFIGURATION, bomb)
        const answer = await visitor().ask('/login')
        expect([502, 504]).toContain(answer.status)
      },
    },
  ]),
  {
    rule: 'a token response with members of JavaScript objects changes none, and brings nothing by them (RFC 8259 §4)',
    app,
    async run({ hostile, visitor }) {
      hostile.at('/token', (response) =>
        sendText(
          response,
          `{"access_token":"the-token-of-this-response","token_type":"Bearer",
            "__proto__":{"patient":"p2","intent":"planted","planted":true},
            "constructor":{"prototype":{"planted":true}},"toString":1,"hasOwnProperty":null}`,
        ),
      )
      const browser = visitor()
      expect((await logInAtHostile(browser)).status).toBe(303)
      expect((await browser.ask('/guarded')).json<Whoami>()).toMatchObject({ patient: null, intent: null })
      expect('planted' in {}).toBe(false)
    },
  },
  {
    rule: 'a token that would end its header is refused (RFC 6750 §2.1)',
    app,
    async run({ hostile, visitor }) {
      for (const access_token of ['a\r\nx-planted: 1', 'a b', 'tökén-beyond-ascii', '', ['a'], { a: 1 }, null]) {
        hostile.change('/token', (body) => ({ ...body, access_token }))
        const browser = visitor()
        expectRefused(await logInAtHostile(browser), 502, 'invalid_token_response')
        expect((await browser.ask('/guarded')).status).toBe(401)
      }
    },
  },
  {
    rule: 'a token of a type that is no bearer token is not used as one (RFC 6749 §7.1)',
    app,
    async run({ hostile, visitor }) {
      for (const token_type of ['mac', 'DPoP', 'N_A', { toString: 'Bearer' }]) {
        hostile.change('/token', (body) => ({ ...body, token_type }))
        expectRefused(await logInAtHostile(visitor()), 502, 'invalid_token_response')
      }
    },
  },
  {
    rule: 'a token endpoint that sends back what it was sent shows it to nobody (RFC 6749 §5.2)',
    app,
    async run({ hostile, visitor, addSecret }) {
      hostile.at('/token', (response, { form, headers }) => {
        const basic = headers.authorization?.split(' ')[1] ?? ''
        const sent = [form.get('code') ?? '', form.get('code_verifier') ?? '', basic]
        addSecret(sent[0] ?? '')
        addSecret(sent[1] ?? '')
        addSecret(basic)
        sendJson(response, { error: 'invalid_grant', error_description: `You sent ${sent.join(' and ')}` }, 400)
      })
      // After the case, all responses and logs are searched for this secret.
      expectRefused(await logInAtHostile(visitor()), 502, 'token_request_refused')
      expect((await visitor().open('/open')).status).toBe(200)
    },
  },
  {
    rule: 'however often keys are asked for that are not there, the server is asked for them a few times (RFC 8725 §3.10)',
    app: { ...app, launch: { scope: 'openid launch/patient patient/*.rs' } },
    async run({ hostile, visitor }) {
      hostile.at('/jwks', (response) => {
        response.setHeader('cache-control', 'no-store')
        sendJson(response, { keys: [] })
      })
      const header = Buffer.from('{"alg":"ES256","kid":"none"}').toString('base64url')
      hostile.change('/token', (body) => ({ ...body, id_token: `${header}.${header}.AAAA` }))
      for (let login = 0; login < 10; login++) {
        expectRefused(await logInAtHostile(visitor()), 502, 'invalid_id_token')
      }
      expect(hostile.requestsTo('/jwks').length).toBeLessThanOrEqual(2)
    },
  },
  {
    rule: 'an error of any name is an error, also one that every object has (RFC 6749 §4.1.2.1)',
    async run(world) {
      for (const error of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'x'.repeat(3000)]) {
        const answer = await changedCallback(world, (query) => {
          query.delete('code')
          query.set('error', error)
        })
        expectRefused(answer, 502, 'authorization_failed')
      }
    },
  },
]

function expectNothingElsewhere({ requests }: World['hostile']): void {
  expect(requests.filter(({ host }) => host === 'elsewhere')).toEqual([])
}

async function expectOthersLogIn({ hostile, visitor }: World): Promise<void> {
  hostile.reset()
  const other: Visitor = visitor()
  expect((await logInAtHostile(other)).status).toBe(303)
  expect((await other.ask('/guarded')).status).toBe(200)
}
