import { backendServices, requireFhir, smartLaunch } from '@fhir-auth/hono'
import { Hono } from 'hono'
import { backendOptions, launchOptions, report } from './settings.js'

async function main(): Promise<void> {
  const app = new Hono()
    .use(smartLaunch(launchOptions()))
    .use(backendServices(await backendOptions()))
    .get('/patient', requireFhir({ patient: true }), (c) => c.json({ patient: c.var.fhir.patient }))
  await report((path) => app.request(path))
}

void main()
