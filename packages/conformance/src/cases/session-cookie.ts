import { expect } from 'vitest'
import type { Whoami } from '../app/handlers.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import type { World } from '../world.ts'

const redirectUri = 'https://portal.example/callback'

export const sessionCookie: readonly ConformanceCase[] = [
  {
    rule: 'SEC-03 an app on https sets cookies for its host alone, unseen by scripts, and opaque',
    app: { launch: { redirectUri } },
    async run(world) {
      const { login, session, lines } = await cookiesOfLogin(world)
      const attributes = { httpOnly: true, secure: true, sameSite: 'Lax', partitioned: false, path: '/' }
      expect(session).toMatchObject({ name: '__Host-fhir-auth.session', ...attributes })
      expect(session?.value).toMatch(/^[\w-]{43}$/)
      expect(login).toMatchObject({ name: expect.stringMatching(/^__Host-fhir-auth\.login\./), ...attributes })
      expect(lines.filter((line) => /domain=/i.test(line))).toEqual([])
    },
  },
  {
    rule: 'EHR-07 an app in a frame of the EHR sets cookies that are SameSite=None, Secure and Partitioned',
    app: { launch: { redirectUri, sameSite: 'none' } },
    async run(world) {
      const { login, session } = await cookiesOfLogin(world)
      const attributes = { httpOnly: true, secure: true, sameSite: 'None', partitioned: true, path: '/' }
      expect(session).toMatchObject({ name: '__Host-fhir-auth.session', ...attributes })
      expect(login).toMatchObject(attributes)
    },
  },
  {
    rule: 'SEC-03 each cookie is a header of its own, and the one of the login goes when it is done',
    async run({ visitor }) {
      const browser = visitor()
      const { href } = await browser.logInUntilCallback()
      const cookies = (await browser.open(href)).headers.getSetCookie()
      expect(cookies).toEqual([
        expect.stringMatching(/^fhir-auth\.login\.[\w-]+=; Path=\/; Max-Age=0; HttpOnly; SameSite=Lax$/),
        expect.stringMatching(/^fhir-auth\.session=[\w-]{43}; Path=\/; Max-Age=28800; HttpOnly; SameSite=Lax$/),
        // Counts logins in quick succession.
        'fhir-auth.rounds=1; Path=/; Max-Age=15; HttpOnly; SameSite=Lax',
      ])
      expect(browser.agent.cookies.map(({ name }) => name).filter((name) => name.startsWith('fhir-auth'))).toEqual([
        'fhir-auth.session',
        'fhir-auth.rounds',
      ])
    },
  },
  {
    rule: 'SEC-04 the session id changes at login, and the old one opens nothing',
    async run({ sandbox, visitor }) {
      const browser = visitor()
      const patient = sandbox.patients[0]?.id
      await browser.logIn('/login', { patient })
      const before = browser.sessionCookie
      await browser.logIn('/login', { patient })
      expect(browser.sessionCookie).not.toBe(before)
      const old = await visitor().ask('/guarded', { headers: { cookie: `fhir-auth.session=${before}` } })
      expect(old.status).toBe(401)
    },
  },
  {
    rule: 'SEC-04 a session id that was planted in the browser is not taken up by a login',
    async run({ visitor }) {
      const planted = 'A'.repeat(43)
      const cookie = `fhir-auth.session=${planted}`
      const browser = visitor()
      const url = await browser.logInUntilCallback()
      const answer = await visitor().open(url.href, { headers: { cookie: `${browser.cookieHeader}; ${cookie}` } })
      expect(answer.status).toBe(303)
      expect(answer.headers.getSetCookie().join()).not.toContain(planted)
      expect((await visitor().ask('/guarded', { headers: { cookie } })).status).toBe(401)
    },
  },
  {
    rule: 'SEC-03 a cookie that was made up opens nothing',
    async run({ visitor }) {
      for (const value of ['', 'x', '__proto__', 'A'.repeat(43), '"quoted"', '%00']) {
        const { status } = await visitor().ask('/guarded', { headers: { cookie: `a=b; fhir-auth.session=${value}` } })
        expect([value, status]).toEqual([value, 401])
      }
    },
  },
  {
    rule: 'a request with a live session asks nobody and sets no cookie',
    async run({ sandbox, visitor }) {
      const browser = visitor()
      await browser.logIn()
      sandbox.clearRequests()
      const answer = await browser.ask('/guarded')
      expect(answer.json<Whoami>().loggedIn).toBe(true)
      expect(answer.headers.getSetCookie()).toEqual([])
      expect(sandbox.requests).toEqual([])
    },
  },
  {
    rule: 'a session ends after its lifetime',
    needs: ['inProcess'],
    async run({ visitor, advanceSeconds }) {
      const browser = visitor()
      await browser.logIn()
      advanceSeconds(8 * 3600 + 1)
      expect((await browser.ask('/guarded')).status).toBe(401)
    },
  },
]

/** Logs in through the app's public address, and sends the callback to the address where the app listens. */
async function cookiesOfLogin({ base, visitor }: World) {
  const browser = visitor()
  const { location } = await browser.open('/login')
  const login = browser.agent.cookies.find(({ name }) => name.includes('fhir-auth.login'))
  const back = await browser.agent.signIn(location, { stopBefore: redirectUri })
  const { search } = new URL(back.headers.get('location') ?? '')
  await browser.open(`${base}/callback${search}`)
  const session = browser.agent.cookies.find(({ name }) => name.includes('fhir-auth.session'))
  return { login, session, lines: browser.agent.history.flatMap(({ headers }) => headers.getSetCookie()) }
}
