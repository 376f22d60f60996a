import { {{mountImports}} } from '@fhir-auth/express'
import express from 'express'
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
  const app = express()
  app.disable('x-powered-by')
  app.get('/live', (_req, res) => void res.sendStatus(200))
  app.get('/ready', async (_req, res) => void res.sendStatus((await isReady(auth)) ? 200 : 503))

  // #if login
  app.use(smartLaunch(auth.launch))
  app.get('/', (_req, res) => void res.type('html').send(homePage))
  app.use(record)
  // #end
  // #if both

  // #end
  // #if backend
  app.use('/jobs', jobs(auth.backend, auth.staffToken))
  app.get('/.well-known/jwks.json', backendServices(auth.backend)) // the public keys
  // #end
  app.use(fhirErrors())
  return app
}
