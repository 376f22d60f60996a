import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeFhir } from '@fhir-auth/fastify/testing'
import Fastify from 'fastify'
import { vitals } from './vitals.js'

/**
 * The routes, mounted as in the app, but behind a context that is made up.
 *
 * @param {import('@fhir-auth/fastify/testing').FakeFhirOptions} options
 */
function behind(options) {
  const app = Fastify()
  app.decorateRequest('fhir', null)
  app.addHook('onRequest', async (request) => {
    request.fhir = fakeFhir(options)
  })
  app.register(vitals)
  return app
}

test('counts the vital signs of the patient in context', async () => {
  const app = behind({
    patient: '1',
    scope: 'patient/Observation.rs',
    responses: { 'Observation?patient=1&category=vital-signs': { resourceType: 'Bundle', total: 3 } },
  })
  const answer = await app.inject('/vitals')
  assert.deepEqual(answer.json(), { patient: '1', total: 3 })
})

test('needs the scope', async () => {
  const app = behind({ patient: '1', scope: 'patient/Patient.rs' })
  const answer = await app.inject({ url: '/vitals', headers: { accept: 'application/json' } })
  assert.equal(answer.json().code, 'insufficient_scope')
})
