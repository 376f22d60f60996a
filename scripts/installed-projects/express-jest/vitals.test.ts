import type { AddressInfo } from 'node:net'
import { type FakeFhirOptions, fakeFhir } from '@fhir-auth/express/testing'
import express from 'express'
import { vitals } from './vitals'

/** Asks the routes, mounted as in the app, but behind a context that is made up. */
async function ask(path: string, options: FakeFhirOptions) {
  const app = express()
  app.use((req, _res, next) => {
    req.fhir = fakeFhir(options)
    next()
  })
  app.use(vitals)
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { accept: 'application/json' } })
  const body = await answer.json()
  server.closeAllConnections()
  server.close()
  return { status: answer.status, body }
}

test('counts the vital signs of the patient in context', async () => {
  const { body } = await ask('/vitals', {
    patient: '1',
    scope: 'patient/Observation.rs',
    responses: { 'Observation?patient=1&category=vital-signs': { resourceType: 'Bundle', total: 3 } },
  })
  expect(body).toEqual({ patient: '1', total: 3 })
})

test('needs the scope', async () => {
  const { status, body } = await ask('/vitals', { patient: '1', scope: 'patient/Patient.rs' })
  expect([status, body.code]).toEqual([403, 'insufficient_scope'])
})
