import { expect } from 'vitest'
import type { CaseApp } from '../case-app.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import type { World } from '../world.ts'

const EHRS = ['https://ehr.example.com', 'https://*.clinic.example:8443']

const routes: CaseApp['routes'] = [
  { path: '/', handler: 'whoami' },
  { path: '/guarded', handler: 'whoami', requirement: { scope: 'user/*.cruds' } },
]

export const frames: readonly ConformanceCase[] = [
  {
    rule: 'SEC-16 no page of this library may be framed (CSP3 §6.4.2 frame-ancestors)',
    app: { routes },
    run: (world) => expectFramers(world, "'none'"),
  },
  {
    rule: 'SEC-16 where the app names its EHRs, they may frame the pages of this library, and nobody else',
    app: { launch: { frameAncestors: EHRS }, routes },
    run: (world) => expectFramers(world, EHRS.join(' ')),
  },
]

/** One page from each source: the paths of a launch, and guards without and with a context. */
async function expectFramers({ visitor }: World, sources: string): Promise<void> {
  const browser = visitor()
  const html = { accept: 'text/html' }
  const pages = [
    await browser.open('/launch'),
    await browser.open('/callback?code=some-stray-code&state=a'),
    await browser.ask('/login', { method: 'POST', headers: html }),
    await browser.ask('/logout', { method: 'POST', headers: { ...html, origin: 'https://evil.example' } }),
    await browser.ask('/guarded', { headers: html }),
  ]
  await browser.logIn()
  pages.push(await browser.open('/guarded'))
  expect(pages.map(({ status }) => status)).toEqual([400, 400, 405, 403, 401, 403])
  for (const page of pages) {
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const directives = (page.headers.get('content-security-policy') ?? '').split('; ')
    expect(directives.filter((directive) => directive.startsWith('frame-ancestors'))).toEqual([
      `frame-ancestors ${sources}`,
    ])
  }
}
