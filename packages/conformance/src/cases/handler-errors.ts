import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { operatorLines } from '../operator-lines.ts'

const app = { fhirErrors: true } as const
/** The console of an app in another process cannot be read while it runs. */
const needs = ['inProcess'] as const

/** What a handler lets through of `fhir.json`, with the adapter's `fhirErrors()`. */
export const handlerErrors: readonly ConformanceCase[] = [
  {
    rule: 'ERR-05 a session that ends inside a handler is our page with a login that leads back, and one line for the operator',
    needs,
    app,
    async run(world) {
      const browser = world.visitor()
      await browser.logIn()
      world.sandbox.revokeAll()
      const page = await browser.open('/json')
      expect([page.status, page.headers.get('content-type')]).toEqual([401, 'text/html; charset=utf-8'])
      const lines = operatorLines(world)
      expect(lines).toMatchObject([{ fhirAuth: { status: 401, fhirBaseUrl: world.sandbox.fhirBaseUrl } }])
      expect(page.text).toContain(lines[0]?.fhirAuth.reference)
      expect(page.text).toContain('<h1>Please log in</h1>')
      const [, login = ''] = /<a href="([^"]*\/login[^"]*)"/.exec(page.text) ?? []
      await browser.logIn(login)
      expect(browser.agent.history.at(-1)).toMatchObject({ url: `${world.base}/json`, status: 200 })
    },
  },
  {
    rule: 'a program reads the same as problem+json, with the code and the reference',
    needs,
    app,
    async run(world) {
      const browser = world.visitor()
      await browser.logIn()
      world.sandbox.revokeAll()
      const answer = await browser.ask('/json')
      expect([answer.status, answer.headers.get('content-type')]).toEqual([401, 'application/problem+json'])
      const [line] = operatorLines(world)
      const { code, reference } = line?.fhirAuth ?? {}
      expect(answer.json()).toMatchObject({ status: 401, code, reference })
    },
  },
  {
    rule: 'a FHIR server that asks for patience keeps its Retry-After, and what it wrote stays out of the answer',
    app,
    async run({ addSecret, sandbox, visitor }) {
      addSecret('Mustermann')
      const browser = visitor()
      await browser.logIn()
      const body = JSON.stringify({
        resourceType: 'OperationOutcome',
        issue: [{ severity: 'error', code: 'throttled', diagnostics: 'too many requests for Max Mustermann' }],
      })
      const headers = { 'retry-after': '7' }
      sandbox.fault({ at: 'fhir', kind: 'status', status: 429, headers, body, times: 1 })
      const answer = await browser.ask('/json')
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7'])
      expect(answer.json()).toMatchObject({ code: 'fhir_request_failed' })
    },
  },
  {
    rule: 'an error that is not ours stays the framework’s, and so does a mistake of the app',
    app,
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      for (const path of ['/fail', '/json?read=https://evil.example/Patient/1']) {
        const answer = await browser.ask(path)
        expect([answer.status, answer.headers.get('content-type')], path).not.toEqual([500, 'application/problem+json'])
        expect(answer.status, path).toBe(500)
      }
    },
  },
]
