// #only login
import { type FakeFhirOptions, fakeFhir } from '@fhir-auth/fastify/testing'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { record } from '../src/record.ts'

/** The routes, registered as in the app, but behind a context that is made up. */
function behind(options: FakeFhirOptions) {
  const app = Fastify()
  app.decorateRequest('fhir', null)
  app.addHook('onRequest', async (request) => {
    request.fhir = fakeFhir(options)
  })
  app.register(record)
  return app
}

test('counts the vital signs of the patient in context', async () => {
  const app = behind({
    patient: '1',
    scope: 'patient/Observation.rs',
    responses: { 'Observation?patient=1&category=vital-signs': { resourceType: 'Bundle', total: 3 } },
  })
  const answer = await app.inject('/vitals')
  expect(answer.json()).toEqual({ patient: '1', total: 3 })
})

test('needs the scope', async () => {
  const answer = await behind({ patient: '1', scope: 'patient/Patient.rs' }).inject('/vitals')
  expect(answer.statusCode).toBe(403)
})
