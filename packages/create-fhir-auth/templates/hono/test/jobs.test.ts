// #only backend
import { fakeFhir } from '@fhir-auth/hono/testing'
import { expect, test } from 'vitest'
import { jobs } from '../src/jobs.ts'

const found = { resourceType: 'Bundle', total: 1 }
const backend = { context: () => fakeFhir({ launchId: null, responses: { 'Patient?_count=10': found } }) }

test('staff reads patients', async () => {
  const answer = await jobs(backend, 'right').request('/patients', { headers: { authorization: 'Bearer right' } })
  expect(await answer.json()).toEqual(found)
})

test('without a staff token that is set, nobody does', async () => {
  const headers = { authorization: 'Bearer undefined' }
  expect((await jobs(backend, undefined).request('/patients', { headers })).status).toBe(401)
})
