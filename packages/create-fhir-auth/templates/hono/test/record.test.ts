// #only login
import type { FhirEnv } from '@fhir-auth/hono'
import { type FakeFhirOptions, fakeFhir } from '@fhir-auth/hono/testing'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { record } from '../src/record.ts'

/** The routes, mounted as in the app, but behind a context that is made up. */
const behind = (options: FakeFhirOptions) =>
  new Hono<FhirEnv>()
    .use(async (c, next) => {
      c.set('fhir', fakeFhir(options))
      await next()
    })
    .route('/', record)

test('counts the vital signs of the patient in context', async () => {
  const app = behind({
    patient: '1',
    scope: 'patient/Observation.rs',
    responses: { 'Observation?patient=1&category=vital-signs': { resourceType: 'Bundle', total: 3 } },
  })
  const answer = await app.request('/vitals')
  expect(await answer.json()).toEqual({ patient: '1', total: 3 })
})

test('needs the scope', async () => {
  const answer = await behind({ patient: '1', scope: 'patient/Patient.rs' }).request('/vitals')
  expect(answer.status).toBe(403)
})
