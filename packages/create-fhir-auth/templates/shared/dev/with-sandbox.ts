// #if backend
import { generateKeyPairSync, randomUUID } from 'node:crypto'
// #end
// #if onlyLogin
import { randomUUID } from 'node:crypto'
// #end
import { createSandbox, type SandboxOptions } from '@fhir-auth/sandbox'
import { openMemoryStore } from '../src/memory-store.ts'
import { start } from '../src/start.ts'

/** Starts the app with a SMART server and FHIR API on this machine. All secrets are made up, and end with it. */
export async function startWithSandbox(origin: string, options: SandboxOptions = {}) {
  // #if login
  const clientSecret = randomUUID()
  // #end
  // #if backend
  const staffToken = randomUUID()
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  // #end
  const sandbox = await createSandbox({
    // #if intelichart
    mode: 'intelichart',
    // #end
    ...options,
    // #if onlyLogin
    clients: [{ clientId: 'portal', clientSecret, redirectUris: [`${origin}/callback`] }],
    // #end
    // #if onlyBackend
    clients: [{ clientId: 'job', jwksUrl: `${origin}/.well-known/jwks.json`, scope: 'system/Patient.rs' }],
    // #end
    // #if both
    clients: [
      { clientId: 'portal', clientSecret, redirectUris: [`${origin}/callback`] },
      { clientId: 'job', jwksUrl: `${origin}/.well-known/jwks.json`, scope: 'system/Patient.rs' },
    ],
    // #end
  })
  const { hostname, port } = new URL(origin)
  const env = {
    HOST: hostname,
    PORT: port,
    FHIR_BASE_URL: sandbox.fhirBaseUrl,
    // #if meditech
    DISCOVERY_URL: `${sandbox.fhirBaseUrl}/.well-known/smart-configuration`,
    // #end
    // #if login
    CLIENT_ID: 'portal',
    CLIENT_SECRET: clientSecret,
    REDIRECT_URI: `${origin}/callback`,
    // #end
    // #if backend
    JOB_CLIENT_ID: 'job',
    PRIVATE_JWKS: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    // #if intelichart
    JWKS_URL: `${origin}/.well-known/jwks.json`,
    // #end
    STAFF_TOKEN: staffToken,
    // #end
    SESSION_SECRET: randomUUID(),
  }
  const app = await start(env, openMemoryStore())
  return {
    sandbox,
    // #if backend
    staffToken,
    // #end
    async close() {
      await app.close()
      await sandbox.close()
    },
  }
}
