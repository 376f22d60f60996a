import { backendServices, requireFhir, smartLaunch } from '@fhir-auth/express'
import express from 'express'
import { backendOptions, launchOptions, reportServer } from './settings.js'

async function main(): Promise<void> {
  const app = express()
  app.use(smartLaunch(launchOptions()))
  app.use(backendServices(await backendOptions()))
  app.get('/patient', requireFhir({ patient: true }), (req, res) => {
    res.json({ patient: req.fhir?.patient })
  })
  await reportServer(app)
}

void main()
