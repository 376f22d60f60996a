import { generateKeyPairSync } from 'node:crypto'
import type { Sandbox } from '@fhir-auth/sandbox'
import { type BackendServicesOptions, clientSecretBasic, loadKeySet, type SmartLaunchOptions } from '../../src/index.ts'

/** A secret of its own for each run, so that none is written down. */
const secret = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }).d ?? ''

/** Registers a web app at the sandbox, and answers its options. */
export function launchOptions(
  sandbox: Sandbox,
  redirectUri: string,
  scope = 'openid fhirUser launch/patient patient/Patient.rs patient/Observation.rs',
): SmartLaunchOptions {
  const client = { clientId: `portal-${redirectUri}`.replace(/\W+/g, '-'), clientSecret: secret() }
  sandbox.registerClient({ ...client, redirectUris: [redirectUri] })
  return {
    fhirBaseUrl: sandbox.fhirBaseUrl,
    clientId: client.clientId,
    clientAuth: clientSecretBasic(client.clientSecret),
    redirectUri,
    scope,
    session: { secret: secret() },
  }
}

/** Registers a system at the sandbox by the app's JWKS URL, and answers its options. */
export async function backendOptions(sandbox: Sandbox, origin: string): Promise<BackendServicesOptions> {
  const clientId = `job-${origin}`.replace(/\W+/g, '-')
  sandbox.registerClient({ clientId, jwksUrl: `${origin}/.well-known/jwks.json` })
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const keys = await loadKeySet(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return { fhirBaseUrl: sandbox.fhirBaseUrl, clientId, keys, scope: 'system/Patient.rs' }
}
