import { expect } from 'vitest'
import type { Whoami } from '../app/handlers.ts'
import { JOB_ROUTES } from '../case-app.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import type { AppAnswer, Visitor } from '../visitor.ts'

/** Characters that must not be in a header. Node throws for some of them, other runtimes for all. */
const HOSTILE: readonly [name: string, text: string][] = [
  ['line ends', 'a\r\nset-cookie: planted=1\r\n\r\nb'],
  ['a NUL', 'a\u0000b'],
  ['text beyond Latin-1', '患者'],
  ['text beyond ASCII', 'Ärzte'],
]

export const headers: readonly ConformanceCase[] = [
  ...HOSTILE.map(
    ([name, text]): ConformanceCase => ({
      rule: `SEC-14 ${name} in an authorization endpoint neither end the app nor plant a header`,
      async run({ sandbox, visitor }) {
        const endpoint = `${sandbox.origin.auth}/authorize/${text}?realm=${text}`
        const patch = (document: object) => ({ ...document, authorization_endpoint: endpoint })
        sandbox.fault({ at: 'smart-configuration', kind: 'json', patch })
        const browser = visitor()
        const answer = await browser.open('/login')
        expect(answer.status).toBe(303)
        expectPlain(answer, sandbox.origin.auth)
        await expectAlive(visitor())
      },
    }),
  ),
  ...HOSTILE.map(
    ([name, text]): ConformanceCase => ({
      rule: `SEC-14 ${name} in the launch id of a page's address neither end the app nor plant a header`,
      async run({ base, visitor }) {
        const browser = visitor()
        await browser.logIn()
        for (const who of [browser, visitor()]) {
          for (const path of ['/guarded', '/guarded?launch_id=a', '/open']) {
            const query = new URLSearchParams({ launch_id: text })
            const sent = { referer: `${base}/open?${query}`, 'sec-fetch-site': 'same-origin' }
            expectPlain(await who.open(path, { headers: sent }), base)
            expectPlain(await who.open(`${path.split('?')[0]}?${query}`), base)
          }
        }
        await expectAlive(visitor())
      },
    }),
  ),
  {
    rule: 'SEC-14 a home beyond ASCII is a Location of ASCII after a login (RFC 3986 §2.1)',
    app: { launch: { paths: { home: '/患者/Ärzte' } } },
    async run({ base, visitor }) {
      const browser = visitor()
      const callback = await browser.logInUntilCallback()
      const answer = await browser.open(callback.href)
      const location = answer.headers.get('location')
      expect([answer.status, location]).toEqual([303, '/%E6%82%A3%E8%80%85/%C3%84rzte'])
      expectPlain(answer, base)
    },
  },
  {
    rule: 'SEC-15 what a guarded handler answers is kept by no cache (RFC 9111 §5.2.2)',
    app: {
      routes: [
        { path: '/', handler: 'whoami' },
        { path: '/guarded', handler: 'whoami', requirement: {} },
      ],
    },
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      expect((await browser.ask('/guarded')).headers.get('cache-control')).toBe('private, no-store')
    },
  },
  {
    rule: 'SEC-15 a guarded handler that names its own Cache-Control is left to it, and so are open routes',
    app: {
      launch: false,
      backend: true,
      routes: [
        { path: '/own', handler: 'whoami', requirement: { visitor: 'unchecked' }, cacheControl: 'private, max-age=60' },
        { path: '/open', handler: 'whoami' },
      ],
    },
    async run({ visitor }) {
      const program = visitor()
      expect((await program.ask('/own')).headers.get('cache-control')).toBe('private, max-age=60')
      expect((await program.ask('/open')).headers.get('cache-control')).not.toBe('private, no-store')
    },
  },
  {
    rule: "SEC-13 the app's own token opens no guarded route to a visitor, whoever asks",
    app: { launch: false, backend: true },
    async run({ visitor }) {
      const refused = await visitor().ask('/guarded')
      expect([refused.status, refused.json().code]).toEqual([500, 'login_required'])
      expect((await visitor().open('/read', { headers: { accept: 'text/html' } })).status).toBe(500)
    },
  },
  {
    rule: "SEC-13 a guard that checks no visitor passes the app's own token, within its scope",
    app: {
      launch: false,
      backend: true,
      routes: [
        ...JOB_ROUTES,
        { path: '/fits', handler: 'whoami', requirement: { visitor: 'unchecked', scope: 'system/Patient.rs' } },
        { path: '/exceeds', handler: 'whoami', requirement: { visitor: 'unchecked', scope: 'system/Patient.c' } },
      ],
    },
    async run({ visitor }) {
      const program = visitor()
      expect((await program.ask('/fits')).json<Whoami>()).toMatchObject({ loggedIn: true, launchId: null })
      const refused = await program.ask('/exceeds')
      expect([refused.status, refused.json().code]).toEqual([403, 'insufficient_scope'])
    },
  },
]

/** Checks that headers are plain ASCII, that none was injected, and that a redirect stays on its host. */
function expectPlain(answer: AppAnswer, origin: string): void {
  for (const [name, value] of answer.headers) expect(`${name}: ${value}`).toMatch(/^[\t\x20-\x7e]*$/)
  expect(answer.headers.getSetCookie().join()).not.toContain('planted')
  if (answer.status === 303) expect(answer.location.origin).toBe(new URL(origin).origin)
}

async function expectAlive(other: Visitor): Promise<void> {
  expect((await other.ask('/open')).status).toBe(200)
}
