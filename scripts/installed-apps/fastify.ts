import { backendServices, requireFhir, smartLaunch } from '@fhir-auth/fastify'
import Fastify from 'fastify'
import { backendOptions, launchOptions, reportServer } from './settings.js'

async function main(): Promise<void> {
  const app = Fastify()
  app.register(smartLaunch, launchOptions())
  app.register(backendServices, await backendOptions())
  app.get('/patient', { preHandler: requireFhir({ patient: true }) }, async ({ fhir }) => ({ patient: fhir?.patient }))
  await app.ready()
  await reportServer(app.routing)
  await app.close()
}

void main()
