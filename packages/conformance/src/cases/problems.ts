import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { operatorLines } from '../operator-lines.ts'
import type { World } from '../world.ts'

/** A login that the authorization server ends with an error. */
async function brokenLogin(world: World) {
  const browser = world.visitor()
  const url = await browser.logInUntilCallback()
  url.searchParams.delete('code')
  url.searchParams.set('error', 'server_error')
  url.searchParams.set('error_description', 'the backend of the EHR is away')
  return browser.open(url.href)
}

/** The console of an app in another process cannot be read while it runs. */
const needs = ['inProcess'] as const

export const problems: readonly ConformanceCase[] = [
  {
    rule: 'ERR-05 a page says in plain words what to do; code, server and cause are in the line with its reference',
    needs,
    async run(world) {
      const page = await brokenLogin(world)
      expect(page.status).toBe(502)
      const [line] = operatorLines(world)
      expect(line?.fhirAuth).toMatchObject({
        code: 'authorization_failed',
        status: 502,
        fhirBaseUrl: world.sandbox.fhirBaseUrl,
      })
      expect(line?.message).toContain('the backend of the EHR is away')
      expect(page.text).toContain('Something went wrong')
      expect(page.text).toContain(line?.fhirAuth.reference)
      expect(page.text).toContain('Log in again')
      expect(page.text).not.toMatch(/authorization_failed|server_error|backend of the EHR/)
      expect(page.text).not.toContain(new URL(world.sandbox.fhirBaseUrl).host)
    },
  },
  {
    rule: 'ERR-05 a program reads the same reference in problem+json',
    needs,
    async run(world) {
      const refused = await world.visitor().ask('/callback?code=some-stray-code&state=a')
      expect(refused.status).toBe(400)
      const [line] = operatorLines(world)
      expect(refused.json<{ reference: string }>().reference).toBe(line?.fhirAuth.reference)
      expect(line?.fhirAuth.code).toBe('state_mismatch')
    },
  },
  {
    rule: 'a person who has yet to log in is no problem: no line is written',
    needs,
    async run(world) {
      expect((await world.visitor().ask('/guarded')).status).toBe(401)
      expect((await world.visitor().open('/guarded')).status).toBe(303)
      expect(operatorLines(world)).toEqual([])
    },
  },
  {
    rule: 'log: false writes no line, and the page keeps its reference',
    needs,
    app: { launch: { log: false } },
    async run(world) {
      expect((await brokenLogin(world)).text).toMatch(/[2-9A-Z]{4}-[2-9A-Z]{4}/)
      expect(operatorLines(world)).toEqual([])
    },
  },
  {
    rule: 'pages have the name of the app, its language and its words, escaped',
    app: {
      launch: {
        pages: {
          appName: 'Mein <Portal>',
          appUrl: '/start',
          language: 'de',
          texts: {
            fault: { title: 'Etwas ging schief', text: 'Sie können nichts dafür.' },
            logInAgain: 'Neu anmelden',
          },
        },
      },
    },
    async run(world) {
      const { text } = await brokenLogin(world)
      expect(text).toContain('<html lang="de">')
      expect(text).toContain('Mein &lt;Portal&gt;')
      expect(text).toMatch(/Etwas ging schief.*Sie können nichts dafür\..*Neu anmelden.*href="\/start"/s)
    },
  },
]
