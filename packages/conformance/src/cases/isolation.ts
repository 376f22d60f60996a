import { expect } from 'vitest'
import type { FhirRead, Whoami } from '../app/handlers.ts'
import type { ConformanceCase } from '../conformance-case.ts'

export const isolation: readonly ConformanceCase[] = [
  {
    rule: 'SEC-07 requests of several people that are served at the same time each keep their own patient and token',
    async run({ sandbox, visitor }) {
      const patients = sandbox.patients.slice(0, 5).map(({ id }) => id)
      const browsers = await Promise.all(
        patients.map(async (patient) => {
          const browser = visitor()
          await browser.logIn('/login', { patient })
          return browser
        }),
      )
      for (let round = 0; round < 3; round++) {
        sandbox.clearRequests()
        const answers = await Promise.all(browsers.map((browser) => browser.ask(`/meet?of=${browsers.length}`)))
        const seen = answers.map(({ json }) => json<{ before: Whoami; after: FhirRead }>())
        expect(seen.map(({ before }) => before.patient)).toEqual(patients)
        expect(seen.map(({ after }) => [after.patient, after.id, after.status])).toEqual(
          patients.map((patient) => [patient, patient, 200]),
        )
        const tokens = sandbox.requestsTo(/^\/fhir\/Patient\//).map(({ headers }) => headers.authorization)
        expect(new Set(tokens).size).toBe(patients.length)
      }
    },
  },
  {
    rule: 'SEC-07 a request without a login gets nothing of one that is served at the same time',
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      const stranger = visitor()
      for (let round = 0; round < 3; round++) {
        const [mine, theirs] = await Promise.all([browser.ask('/open'), stranger.ask('/open')])
        expect([mine.json<Whoami>().loggedIn, theirs.json<Whoami>().loggedIn]).toEqual([true, false])
      }
    },
  },
  {
    rule: 'SEC-07 logins of several people at the same time each end with their own patient',
    async run({ sandbox, visitor }) {
      const patients = sandbox.patients.slice(0, 4).map(({ id }) => id)
      const pages = await Promise.all(patients.map((patient) => visitor().logIn('/login?returnTo=/open', { patient })))
      expect(pages.map(({ json }) => json<Whoami>().patient)).toEqual(patients)
    },
  },
]
