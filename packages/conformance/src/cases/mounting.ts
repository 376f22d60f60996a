import { expect } from 'vitest'
import type { FhirRead, Whoami } from '../app/handlers.ts'
import { JOB_ROUTES } from '../case-app.ts'
import type { ConformanceCase } from '../conformance-case.ts'

const needs = ['mounting'] as const
const mountPath = '/ehr'

export const mounting: readonly ConformanceCase[] = [
  {
    rule: 'an app below a path, with no path set but redirectUri, lands and logs out inside its mount',
    needs,
    app: { mountPath },
    async run({ base, visitor }) {
      const browser = visitor()
      const { searchParams } = await browser.logInUntilCallback('/login', { stopBefore: `${base}/callback` })
      const landing = await browser.ask(`/callback?${searchParams}`)
      expect([landing.status, landing.headers.get('location')]).toEqual([303, '/ehr/'])
      const { status, location } = await browser.logOut()
      expect([status, location.href]).toEqual([303, `${base}/`])
    },
  },
  {
    rule: 'CB-09 an app below a path logs in there, and comes back to the page that was asked for',
    needs,
    app: { mountPath, launch: { paths: { home: '/ehr/' } } },
    async run({ sandbox, base, visitor, tokenRequests }) {
      const patient = sandbox.patients[5]?.id
      const browser = visitor()
      const page = await browser.logIn('/read?x=1', { patient })
      expect(page.json<FhirRead>()).toMatchObject({ status: 200, patient })
      expect(browser.agent.history.at(-1)?.url).toBe(`${base}/read?x=1`)
      expect(tokenRequests('authorization_code')[0]?.form.get('redirect_uri')).toBe(`${base}/callback`)
    },
  },
  {
    rule: 'EHR-02 an app below a path is launched there by the EHR',
    needs,
    app: { mountPath, launch: { scope: 'openid fhirUser launch patient/*.rs', paths: { home: '/ehr/open' } } },
    async run({ sandbox, base, visitor }) {
      const patient = sandbox.patients[0]?.id ?? ''
      const page = await visitor().logIn(sandbox.ehrLaunch({ launchUrl: `${base}/launch`, patient }))
      expect(page.json<Whoami>().patient).toBe(patient)
    },
  },
  {
    rule: 'an app below a path logs out there',
    needs,
    app: { mountPath, launch: { paths: { home: '/ehr/', loggedOut: '/ehr/open' } } },
    async run({ base, visitor }) {
      const browser = visitor()
      await browser.logIn()
      const { status, location } = await browser.logOut()
      expect([status, location.href]).toEqual([303, `${base}/open`])
      expect((await browser.ask('/guarded')).status).toBe(401)
    },
  },
  {
    rule: 'JWKS-02 an app below a path serves its JWKS there, and gets its token',
    needs,
    app: { mountPath, launch: false, backend: true, routes: JOB_ROUTES },
    async run({ visitor }) {
      const program = visitor()
      expect((await program.ask('/.well-known/jwks.json')).status).toBe(200)
      expect((await program.ask('/guarded')).status).toBe(200)
    },
  },
  {
    rule: 'an app below a path answers nothing outside it',
    needs,
    app: { mountPath, backend: true },
    async run({ origin, visitor }) {
      const program = visitor()
      for (const path of ['/login', '/launch', '/callback', '/logout', '/.well-known/jwks.json', '/ehr/ehr/login']) {
        expect([path, (await program.ask(origin + path)).status]).toEqual([path, 404])
      }
    },
  },
  {
    rule: 'behind a proxy that strips a prefix, home and the page after logout have it as well',
    app: {
      launch: {
        redirectUri: 'https://portal.example/clinic/callback',
        paths: { callback: '/callback', home: '/chart', loggedOut: '/bye' },
      },
    },
    async run({ visitor }) {
      const browser = visitor()
      const { searchParams } = await browser.logInUntilCallback('/login', {
        stopBefore: 'https://portal.example/clinic/callback',
      })
      const landing = await browser.open(`/callback?${searchParams}`)
      expect([landing.status, landing.headers.get('location')]).toEqual([303, '/clinic/chart'])
      const out = await browser.logOut({ headers: { origin: 'https://portal.example' } })
      expect([out.status, out.headers.get('location')]).toEqual([303, '/clinic/bye'])
    },
  },
  {
    rule: 'behind a proxy that strips a prefix, the browser is sent to where the proxy is',
    app: { launch: { redirectUri: 'https://portal.example/clinic/callback', paths: { callback: '/callback' } } },
    async run({ visitor }) {
      const browser = visitor()
      const guarded = await browser.open('/guarded?a=1')
      expect(guarded.headers.get('location')).toBe(
        `/clinic/login?returnTo=${encodeURIComponent('/clinic/guarded?a=1')}`,
      )
      const login = await browser.open('/login')
      expect(login.location.searchParams.get('redirect_uri')).toBe('https://portal.example/clinic/callback')
    },
  },
]
