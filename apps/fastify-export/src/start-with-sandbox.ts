import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBackendServices, loadKeySet } from '@fhir-auth/fastify'
import { createSandbox } from '@fhir-auth/sandbox'
import { createExportApp } from './app.ts'
import { exportInTerminal } from './terminal.ts'

// The app against a FHIR server on this machine. With `--terminal`, one export here in place of the page.

const group = 'sandbox-cohort'
const sandbox = await createSandbox()
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const backend = createBackendServices({
  fhirBaseUrl: sandbox.fhirBaseUrl,
  clientId: 'cohort-export',
  keys: await loadKeySet(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  scope: 'system/*.rs',
})
const app = createExportApp({ backend, group })
const origin = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
sandbox.registerClient({ clientId: 'cohort-export', jwksUrl: `${origin}/.well-known/jwks.json` })

async function stop(): Promise<void> {
  await app.close()
  await sandbox.close()
}

if (process.argv.includes('--terminal')) {
  const folder = await mkdtemp(join(tmpdir(), 'cohort-export-'))
  await exportInTerminal(await backend.context(), process.stderr, { group, folder }).finally(stop)
} else {
  console.log(`Open ${origin}\nFHIR server: ${sandbox.fhirBaseUrl}\nCtrl-C ends both.`)
  process.once('SIGINT', stop)
}
