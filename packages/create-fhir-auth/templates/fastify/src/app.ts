import { {{mountImports}} } from '@fhir-auth/fastify'
import Fastify from 'fastify'
import { type FhirAuth, isReady } from './fhir-auth.ts'
// #if login
import { homePage } from './home-page.ts'
// #end
// #if backend
import { jobs } from './jobs.ts'
// #end
// #if login
import { record } from './record.ts'
// #end

export function createApp(auth: FhirAuth) {
  const app = Fastify()
  app.setErrorHandler(fhirErrors())
  app.get('/live', async () => 'OK')
  app.get('/ready', async (_request, reply) => {
    reply.code((await isReady(auth)) ? 200 : 503)
    return ''
  })

  // #if login
  app.register(async (people) => {
    people.register(smartLaunch, { launch: auth.launch })
    people.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(homePage))
    people.register(record)
  })
  // #end
  // #if both

  // #end
  // #if backend
  app.register(jobs(auth.backend, auth.staffToken), { prefix: '/jobs' })
  app.register(async (keys) => {
    keys.register(backendServices, { backend: auth.backend }) // serves the public keys
  })
  // #end
  return app
}
