// #only login
import { type FakeFhirOptions, fakeFhir } from '@fhir-auth/express/testing'
import express from 'express'
import { expect, test } from 'vitest'
import { record } from '../src/record.ts'
import { ask } from './ask.ts'

/** The routes, mounted as in the app, but behind a context that is made up. */
function behind(options: FakeFhirOptions) {
  const app = express()
  app.use((req, _res, next) => {
    req.fhir = fakeFhir(options)
    next()
  })
  return app.use(record)
}

test('counts the vital signs of the patient in context', async () => {
  const app = behind({
    patient: '1',
    scope: 'patient/Observation.rs',
    responses: { 'Observation?patient=1&category=vital-signs': { resourceType: 'Bundle', total: 3 } },
  })
  const { body } = await ask(app, '/vitals')
  expect(JSON.parse(body)).toEqual({ patient: '1', total: 3 })
})

test('needs the scope', async () => {
  const { status } = await ask(behind({ patient: '1', scope: 'patient/Patient.rs' }), '/vitals')
  expect(status).toBe(403)
})
