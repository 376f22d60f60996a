import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cookieStore } from '@fhir-auth/core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { AdapterHost } from './adapter-host.ts'
import { createAppSetup, type InjectedParts } from './app/app-setup.ts'
import type { CaseApp } from './case-app.ts'
import { nginxIsMissing, startNginx } from './nginx.ts'
import { freePort, ownFolder } from './server-program.ts'
import { type SuiteSandbox, startSuiteSandbox } from './suite-sandbox.ts'
import { Visitor } from './visitor.ts'

const PAGE = new URL('../../../docs/behind-a-proxy.md', import.meta.url)

interface Placement {
  readonly title: string
  /** Of the page. */
  readonly heading: string
  readonly app: (publicOrigin: string) => CaseApp
}

const STRIPPED: Placement = {
  title: 'strips the prefix',
  heading: 'nginx strips the prefix',
  app: (origin) => ({
    launch: {
      redirectUri: `${origin}/clinic/callback`,
      paths: { callback: '/callback', home: '/open', loggedOut: '/' },
    },
  }),
}

const KEPT: Placement = {
  title: 'keeps the prefix',
  heading: 'nginx keeps the prefix',
  app: (origin) => ({
    mountPath: '/clinic',
    launch: { redirectUri: `${origin}/clinic/callback`, paths: { home: '/clinic/open', loggedOut: '/clinic/' } },
  }),
}

/** Tests the page on proxies: runs its nginx settings in front of an app of this adapter. */
export function describeBehindNginx(name: string, host: AdapterHost): void {
  describe.skipIf(nginxIsMissing())(`${name} behind nginx`, () => {
    let suite: SuiteSandbox
    beforeAll(async () => {
      suite = await startSuiteSandbox()
    })
    afterAll(() => suite?.sandbox.close())

    /** A browser in front of nginx, which sends what is under `/clinic` to the app. */
    async function visitorOf(place: Placement, parts: InjectedParts & { settings?: string } = {}): Promise<Visitor> {
      const port = await freePort()
      const publicOrigin = `http://127.0.0.1:${port}`
      const { settings = '', ...injected } = parts
      suite.sandbox.clearFaults()
      const recipe = suite.recipeOf(place.app(publicOrigin))
      const started = await host.start(await createAppSetup(recipe, injected))
      onTestFinished(() => started.close())
      suite.register(recipe, publicOrigin)
      const location = settingsUnder(place.heading).replaceAll('http://127.0.0.1:3000', started.origin)
      const nginx = await startNginx({ port, settings, location })
      onTestFinished(() => nginx.close())
      return new Visitor(`${publicOrigin}/clinic`)
    }

    it.each([STRIPPED, KEPT].map((place) => [place.title, place] as const))(
      'that %s: login, deep link, home, logout and problem pages stay under it',
      async (_title, place) => {
        const browser = await visitorOf(place)
        const deepLink = await browser.logIn('/guarded?a=1')
        expect([deepLink.status, deepLink.json().loggedIn]).toEqual([200, true])
        expect(lastUrl(browser)).toBe('/clinic/guarded?a=1')

        await browser.logIn('/login')
        expect(lastUrl(browser)).toBe('/clinic/open')

        const logout = await browser.logOut()
        expect([logout.status, logout.location.pathname]).toEqual([303, '/clinic/'])
        const login = await browser.open('/guarded?a=1', { headers: { accept: 'text/html' } })
        expect(login.location.pathname).toBe('/clinic/login')
        expect(login.location.searchParams.get('returnTo')).toBe('/clinic/guarded?a=1')

        const problem = await browser.open('/callback?code=c&state=unknown', { headers: { accept: 'text/html' } })
        expect([problem.status, problem.text]).toEqual([400, expect.stringContaining('href="/clinic/login')])
      },
    )

    it('a session in large cookies passes with the settings of the page, and not without them', async () => {
      for (const [settings, status] of [
        ['', 502],
        [settingsUnder('Large cookies'), 303],
      ] as const) {
        const browser = await visitorOf(STRIPPED, { settings, store: cookieStore() })
        suite.sandbox.fault({ at: 'token', kind: 'json', patch: (body) => ({ ...body, tenant: 'x'.repeat(3000) }) })
        const callback = await browser.logInUntilCallback()
        const landing = await browser.open(callback.href)
        expect(landing.status, `with the settings "${settings}"`).toBe(status)
        if (status === 303) expect((await browser.open('/guarded')).json().loggedIn).toBe(true)
      }
    })

    it('an access log in the format of the page has paths and no codes', async () => {
      const { folder, remove } = ownFolder('fhir-auth-access-log-')
      onTestFinished(remove)
      const file = join(folder, 'access.log')
      const settings = settingsUnder('Access logs without codes').replace('/var/log/nginx/access.log', file)
      const browser = await visitorOf(STRIPPED, { settings })
      expect((await browser.logIn('/guarded?a=1')).status).toBe(200)
      await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain('"GET /clinic/guarded" 200'))
      const log = readFileSync(file, 'utf8')
      expect(log).toContain('"GET /clinic/callback" 303')
      expect(log).not.toMatch(/code=|state=|\?/)
    })
  })
}

function lastUrl({ agent }: Visitor): string {
  const { pathname, search } = new URL(agent.history.at(-1)?.url ?? '')
  return pathname + search
}

/** The nginx block under a heading of the page. */
function settingsUnder(heading: string): string {
  const section = readFileSync(PAGE, 'utf8')
    .split(/^## /m)
    .find((text) => text.startsWith(`${heading}\n`))
  const block = section === undefined ? undefined : /```nginx\n([\s\S]*?)```/.exec(section)?.[1]
  if (block === undefined) throw new Error(`docs/behind-a-proxy.md has no nginx block under "${heading}".`)
  return block
}
