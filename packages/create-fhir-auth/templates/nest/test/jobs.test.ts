// #only backend
import { fakeFhir } from '@fhir-auth/nest/testing'
import { expect, test } from 'vitest'
import { JobsController } from '../src/jobs.controller.ts'

test('reads patients with the token of the app', async () => {
  const found = { resourceType: 'Bundle', total: 1 }
  const backend = { context: () => fakeFhir({ launchId: null, responses: { 'Patient?_count=10': found } }) }
  expect(await new JobsController(backend).patients()).toEqual(found)
})
