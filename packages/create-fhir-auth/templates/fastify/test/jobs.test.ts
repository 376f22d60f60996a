// #only backend
import { fakeFhir } from '@fhir-auth/fastify/testing'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { jobs } from '../src/jobs.ts'

const found = { resourceType: 'Bundle', total: 1 }
const backend = { context: () => fakeFhir({ launchId: null, responses: { 'Patient?_count=10': found } }) }

test('staff reads patients', async () => {
  const app = Fastify().register(jobs(backend, 'right'))
  const answer = await app.inject({ url: '/patients', headers: { authorization: 'Bearer right' } })
  expect(answer.json()).toEqual(found)
})

test('without a staff token that is set, nobody does', async () => {
  const app = Fastify().register(jobs(backend, undefined))
  const answer = await app.inject({ url: '/patients', headers: { authorization: 'Bearer undefined' } })
  expect(answer.statusCode).toBe(401)
})
