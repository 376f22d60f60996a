import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSandbox, type Sandbox, type SandboxClient, type SandboxMode } from '@fhir-auth/sandbox'
import { afterAll } from 'vitest'
import { run } from './run.ts'
import { serveDocuments } from './server.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface Backend {
  sandbox: Sandbox
  folder: string
  /** The private JWK Set. */
  file: string
  /** Every private member of its keys. */
  privateMembers: string[]
  jwksUrl: string
  /** As the environment would say it. */
  env: Record<string, string>
  /** Writes a configuration file, with changes, and returns its path. */
  configure(changes?: Record<string, unknown>): string
}

export interface BackendOptions {
  mode?: SandboxMode
  /** Beside the job. */
  clients?: SandboxClient[]
}

// One of each mode for all tests of a file: a start takes longer than most tests.
const sandboxes = new Map<SandboxMode, Promise<Sandbox>>()
afterAll(async () => {
  for (const sandbox of sandboxes.values()) await (await sandbox).close()
})

/** The sandbox without a past, and a job `job` that is registered there by its JWKS URL. */
export async function startBackend({ mode = 'smart', clients = [] }: BackendOptions = {}): Promise<Backend> {
  const folder = temporaryFolder()
  await run(['keygen', '--out', folder])
  const file = join(folder, 'private.jwks.json')
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
  const host = await serveDocuments(() => ({ '/jwks.json': read('jwks.json') }))
  const jwksUrl = `${host}/jwks.json`
  const starting = sandboxes.get(mode) ?? createSandbox({ mode })
  sandboxes.set(mode, starting)
  const sandbox = await starting
  sandbox.clearFaults()
  sandbox.clearRequests()
  for (const client of [{ clientId: 'job', jwksUrl }, ...clients]) sandbox.registerClient(client)
  const scope = 'system/Patient.rs'
  return {
    sandbox,
    folder,
    file,
    privateMembers: read('private.jwks.json').keys.map(({ d }: { d: string }) => d),
    jwksUrl,
    env: { FHIR_BASE_URL: sandbox.fhirBaseUrl, CLIENT_ID: 'job', PRIVATE_JWKS: file, SCOPE: scope },
    configure(changes = {}) {
      const path = join(folder, 'fhir-auth.json')
      const settings = {
        fhirBaseUrl: sandbox.fhirBaseUrl,
        clientId: 'job',
        privateJwks: 'private.jwks.json',
        scope,
        jwksUrl,
      }
      writeFileSync(path, JSON.stringify({ ...settings, ...changes }))
      return path
    },
  }
}
