import { fhirOf, requireFhir, type SmartLaunchOptions, smartLaunch } from '@fhir-auth/express'
import express from 'express'

export function createApp(options: SmartLaunchOptions) {
  const app = express()
  app.use(smartLaunch(options))
  app.get('/', requireFhir({ patient: true }), async (req, res) => {
    const fhir = fhirOf(req)
    const { name } = await fhir.json<{ name: { text: string }[] }>(`Patient/${fhir.patient}`)
    res.type('text').send(`Chart of ${name[0]?.text}`)
  })
  return app
}
