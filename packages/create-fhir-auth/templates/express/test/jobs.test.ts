// #only backend
import { fakeFhir } from '@fhir-auth/express/testing'
import express from 'express'
import { expect, test } from 'vitest'
import { jobs } from '../src/jobs.ts'
import { ask } from './ask.ts'

const found = { resourceType: 'Bundle', total: 1 }
const backend = { context: () => fakeFhir({ launchId: null, responses: { 'Patient?_count=10': found } }) }
const app = express().use('/jobs', jobs(backend, 'right'))

test('staff reads patients', async () => {
  const { body } = await ask(app, '/jobs/patients', { authorization: 'Bearer right' })
  expect(JSON.parse(body)).toEqual(found)
})

test('without a staff token that is set, nobody does', async () => {
  const closed = express().use('/jobs', jobs(backend, undefined))
  const { status } = await ask(closed, '/jobs/patients', { authorization: 'Bearer undefined' })
  expect(status).toBe(401)
})
