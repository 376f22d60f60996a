import type { SessionInfo } from '@fhir-auth/core'
import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { logInAtHostile } from '../hostile/hostile-login.ts'
import { sendJson } from '../hostile/hostile-server.ts'
import { allow, app, echo, sessionOf } from './proxy-setup.ts'
import { openTwoTabs } from './two-tabs.ts'

/** Whose session a request belongs to, and what a page learns of it. */
export const proxySessions: readonly ConformanceCase[] = [
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
    rule: 'the login leads back to the page that asks, without a launch that has ended',
    app: echo,
    async run({ base, visitor }) {
      const browser = visitor()
      const headers = { 'sec-fetch-site': 'same-origin', referer: `${base}/chart?launch_id=ended&tab=2` }
      for (const path of ['/session', '/fhir/Patient/p1']) {
        const { loginUrl } = (await browser.ask(path, { headers })).json<SessionInfo>()
        expect([path, new URL(loginUrl ?? '', base).searchParams.get('returnTo')]).toEqual([path, '/chart?tab=2'])
      }
    },
  },
]
