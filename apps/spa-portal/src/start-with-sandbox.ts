import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { createSandbox } from '@fhir-auth/sandbox'
import { createPortal } from './portal.ts'

// The app, and an EHR on this machine with patients that do not exist.

const port = Number(process.env.PORT ?? 3004)
const origin = `http://127.0.0.1:${port}`
const client = { clientId: 'spa-portal', clientSecret: randomBytes(24).toString('base64url') }
const sandbox = await createSandbox({ clients: [{ ...client, redirectUris: [`${origin}/callback`] }] })
const server = createPortal({
  origin,
  fhirBaseUrl: sandbox.fhirBaseUrl,
  ...client,
  sessionSecret: randomBytes(32).toString('base64url'),
  pageFolder: fileURLToPath(new URL('page', import.meta.url)),
  // Short, so that the notice before its end can be seen: SESSION_MINUTES=6 shows it after a minute.
  sessionSeconds: Number(process.env.SESSION_MINUTES ?? 60) * 60,
}).listen(port, '127.0.0.1')

console.log(`Log in as a patient:          ${origin}
Open a chart from the EHR:    ${sandbox.issuer}/ehr?launch_url=${encodeURIComponent(`${origin}/launch`)}
Ctrl-C ends both.`)
process.once('SIGINT', async () => {
  server.close()
  server.closeAllConnections()
  await sandbox.close()
})
