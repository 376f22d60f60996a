import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { clientSecretBasic, fhirOf, requireFhir, smartLaunch } from '@fhir-auth/express'
import express from 'express'

// An app with two hospitals, in a process of its own: one is honest, the other one is not.
const [honest = '', hostile = ''] = process.argv.slice(2)

const app = express()
const server = app.listen(0, '127.0.0.1', () => {
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const registered = (fhirBaseUrl: string, clientId: string) => ({
    fhirBaseUrl,
    clientId,
    clientAuth: clientSecretBasic(crypto.randomUUID()),
    redirectUri: `${origin}/callback-${clientId}`,
  })
  app.use(
    smartLaunch({
      registrations: [registered(honest, 'honest'), registered(hostile, 'hostile')],
      scope: 'launch/patient patient/*.rs offline_access',
      session: { secret: crypto.randomUUID() + crypto.randomUUID() },
      timeoutSeconds: 2,
      log: false,
    }),
  )
  app.get('/patient', requireFhir({ patient: true }), async (req, res) => {
    const fhir = fhirOf(req)
    res.json(await fhir.json(`Patient/${fhir.patient}`, { timeoutSeconds: 2, maxBytes: 1024 * 1024 }))
  })
  // The hostile hospital's people get errors; what they are is not measured.
  app.use(((_error, _req, res, _next) => void res.status(500).end()) as express.ErrorRequestHandler)
  process.send?.({ url: origin })
})
// For how long the event loop did other things, p99 in milliseconds, since the last message.
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
process.on('message', () => {
  process.send?.(delay.percentile(99) / 1e6)
  delay.reset()
})
process.on('disconnect', () => process.exit())
