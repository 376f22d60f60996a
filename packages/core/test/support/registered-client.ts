import { createSandbox, type Sandbox, type SandboxOptions } from '@fhir-auth/sandbox'
import { onTestFinished } from 'vitest'
import type { Client } from '../../src/client/client.ts'
import { checkRegistration, type Registration } from '../../src/client/registration.ts'
import { publicClient } from '../../src/index.ts'

/** A sandbox that ends with the test. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await createSandbox(options)
  onTestFinished(() => sandbox.close())
  return sandbox
}

/** A registration that passed every check, as the protocol functions take it. */
export function registeredClient(registration: Partial<Registration> = {}): Client {
  const complete = { fhirBaseUrl: 'https://ehr.example/fhir', clientId: 'app', scope: 'openid', ...registration }
  return checkRegistration(complete, { flow: 'launch', defaultAuth: publicClient })
}
