import { expect } from 'vitest'
import type { ErrorAnswer } from '../app/error-answer.ts'
import type { ConformanceCase } from '../conformance-case.ts'

const OUTCOME = JSON.stringify({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'not-found', diagnostics: 'Patient/unknown-77 of Max Mustermann' }],
})

/** A handler that calls `fhir.json`, and everything that can go wrong in it: each framework answers with the right status. */
export const fhirJson: readonly ConformanceCase[] = [
  {
    rule: 'RSP-11 fhir.json gives the handler the resource',
    async run({ sandbox, visitor }) {
      const browser = visitor()
      await browser.logIn('/login', { patient: sandbox.patients[1]?.id })
      const answer = await browser.ask('/json')
      expect([answer.status, answer.json()]).toMatchObject([
        200,
        { resourceType: 'Patient', id: sandbox.patients[1]?.id },
      ])
    },
  },
  {
    rule: 'what the FHIR server refuses is answered with its status, and without what it wrote',
    async run({ addSecret, sandbox, visitor }) {
      addSecret('unknown-77')
      addSecret('Mustermann')
      const browser = visitor()
      await browser.logIn()
      for (const [status, answered] of [
        [404, 404],
        [403, 403],
        [422, 422],
        [500, 502],
        [503, 503],
      ] as const) {
        sandbox.fault({ at: 'fhir', kind: 'status', status, body: OUTCOME, times: 1 })
        expect((await browser.ask('/json')).status, `for ${status}`).toBe(answered)
      }
    },
  },
  {
    rule: 'ERR-05 a session that the server has ended is 401, never an empty 200',
    async run({ sandbox, visitor }) {
      const browser = visitor()
      await browser.logIn()
      sandbox.revokeAll()
      expect((await browser.ask('/json')).status).toBe(401)
    },
  },
  {
    rule: 'RSP-10 a mistake of the app, such as another server’s URL, is 500 without a word of it',
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      const answer = await browser.ask('/json?read=https://evil.example/Patient/1')
      expect(answer.status).toBe(500)
    },
  },
  {
    rule: 'the error handler of the app gets the error itself',
    needs: ['errorHandler'],
    app: { problems: 'forward', errorHandler: true },
    async run({ sandbox, visitor }) {
      const browser = visitor()
      await browser.logIn()
      sandbox.fault({ at: 'fhir', kind: 'status', status: 404, body: OUTCOME, times: 1 })
      const answer = await browser.ask('/json')
      const expected: ErrorAnswer = { handledBy: 'the app', name: 'FhirRequestError', code: 'fhir_request_failed' }
      expect([answer.status, answer.json()]).toMatchObject([404, expected])
    },
  },
]
