import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type BackendServicesOptions, clientSecretBasic, loadKeySet, type SmartLaunchOptions } from '@fhir-auth/core'

const registration = {
  fhirBaseUrl: 'https://fhir.example.com',
  clientId: 'app',
  metadata: {
    authorization_endpoint: 'https://auth.example.com/authorize',
    token_endpoint: 'https://auth.example.com/token',
  },
}

/** No server is there, and none is asked: a login begins with a redirect. */
export function launchOptions(): SmartLaunchOptions {
  return {
    ...registration,
    clientAuth: clientSecretBasic('a secret of the client'),
    redirectUri: 'https://portal.example.com/callback',
    scope: 'openid launch/patient patient/*.rs',
    session: { secret: 'a secret of the session, long enough' },
  }
}

export async function backendOptions(): Promise<BackendServicesOptions> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const keys = await loadKeySet(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  return { ...registration, keys, scope: 'system/*.rs' }
}

/** Says what an app answers to who wants to log in, and how many keys it serves. */
export async function report(ask: (path: string) => Response | Promise<Response>): Promise<void> {
  const login = await ask('/login')
  const { origin } = new URL(login.headers.get('location') ?? 'nowhere:')
  const refused = await ask('/patient')
  const jwks = (await (await ask('/.well-known/jwks.json')).json()) as { keys: unknown[] }
  console.log(`login: ${login.status} ${origin}, guarded: ${refused.status}, keys: ${jwks.keys.length}`)
}

export async function reportServer(listener: RequestListener): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await report((path) => fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' }))
  server.closeAllConnections()
  server.close()
}
