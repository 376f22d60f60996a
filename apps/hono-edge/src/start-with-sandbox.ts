import { randomBytes } from 'node:crypto'
import { createSandbox } from '@fhir-auth/sandbox'
import { serve } from '@hono/node-server'
import { createPortal } from './app.ts'

// The portal on Node, against a SMART server on this machine.

const port = Number(process.env.PORT ?? 3002)
const origin = `http://127.0.0.1:${port}`
const clientSecret = randomBytes(24).toString('base64url')
const sandbox = await createSandbox({
  clients: [{ clientId: 'portal', clientSecret, redirectUris: [`${origin}/callback`] }],
})
const { fetch } = createPortal({
  ORIGIN: origin,
  FHIR_BASE_URL: sandbox.fhirBaseUrl,
  CLIENT_ID: 'portal',
  CLIENT_SECRET: clientSecret,
  SESSION_SECRET: randomBytes(32).toString('base64url'),
})
const server = serve({ fetch, port, hostname: '127.0.0.1' }, () =>
  console.log(`Open ${origin}\nFHIR server: ${sandbox.fhirBaseUrl}\nCtrl-C ends both.`),
)
process.once('SIGINT', () => {
  server.close()
  void sandbox.close()
})
