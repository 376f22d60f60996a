import { {{mountImports}} } from '@fhir-auth/hono'
import { Hono } from 'hono'
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
  const app = new Hono()
  app.onError(fhirErrors())
  app.get('/live', (c) => c.text('OK'))
  app.get('/ready', async (c) => c.body(null, (await isReady(auth)) ? 200 : 503))

  // #if login
  app.use(smartLaunch(auth.launch))
  app.get('/', (c) => c.html(homePage))
  app.route('/', record)
  // #end
  // #if both

  // #end
  // #if backend
  app.route('/jobs', jobs(auth.backend, auth.staffToken))
  app.get('/.well-known/jwks.json', backendServices(auth.backend)) // the public keys
  // #end
  return app
}
