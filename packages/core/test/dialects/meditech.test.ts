import { describe, expect, it } from 'vitest'
import { createBackendServices, type Dialect, loadKeySet, meditech, smart } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { startServer, type TestServer } from '../support/http-server.ts'
import { ecJwk, type PrivateTestJwk, readJwt, rsaJwk } from '../support/signing-jwks.ts'
import { grantOf, sendJson } from '../support/token-server.ts'

const BASE = '/v2/uscore/STU6'
const AT_ROOT = '/.well-known/smart-configuration'

/** Greenfield in outline: the FHIR base has a path, the discovery document is elsewhere. */
async function startGreenfield(
  answer: { path?: string; published?: string[]; token?: [number, object] } = {},
): Promise<TestServer> {
  const server = await startServer(({ method, url }, response) => {
    const { path = AT_ROOT, published, token } = answer
    if (url === path) {
      sendJson(response, {
        issuer: `${server.origin}/`,
        token_endpoint: `${server.origin}/oauth/token`,
        ...(published && { token_endpoint_auth_signing_alg_values_supported: published }),
      })
    } else if (method === 'POST') sendJson(response, token?.[1] ?? grantOf(1), token?.[0])
    else response.writeHead(404).end()
  })
  return server
}

async function backendAt(server: TestServer, dialect: Dialect, ...keys: PrivateTestJwk[]) {
  const options = { fhirBaseUrl: server.origin + BASE, clientId: 'job', scope: 'system/Patient.rs' }
  const keySet = await loadKeySet({ keys: keys.length > 0 ? keys : [rsaJwk()] })
  return createBackendServices({ ...options, dialect, keys: keySet })
}

const asked = (server: TestServer) => server.requests.map(({ method, url }) => `${method} ${url}`)

describe('meditech()', () => {
  it('DISC-12 asks for the discovery document at the root of the host, once', async () => {
    const server = await startGreenfield()
    await (await backendAt(server, meditech())).context()
    expect(asked(server)).toEqual([`GET ${AT_ROOT}`, 'POST /oauth/token'])
  })

  it('DISC-01 smart() would ask below the FHIR base URL and find nothing', async () => {
    const server = await startGreenfield()
    const backend = await backendAt(server, smart())
    expect((await failureOf(() => backend.context())).code).toBe('discovery_failed')
    expect(asked(server)).toEqual([`GET ${BASE}${AT_ROOT}`, `GET ${BASE}/metadata`])
  })

  it('DISC-12 asks at the discoveryUrl that a customer names', async () => {
    const server = await startGreenfield({ path: '/elsewhere/smart.json' })
    await (await backendAt(server, meditech({ discoveryUrl: `${server.origin}/elsewhere/smart.json` }))).context()
    expect(asked(server)).toEqual(['GET /elsewhere/smart.json', 'POST /oauth/token'])
  })

  it('DISC-14 refuses a discoveryUrl that is not https', async () => {
    const failure = await failureOf(() => meditech({ discoveryUrl: 'http://ehr.example/smart.json' }))
    expect([failure.code, failure.message]).toEqual([
      'insecure_url',
      expect.stringContaining('meditech(): discoveryUrl must be https'),
    ])
  })

  it('JWT-03 signs with the first RSA key, since the server takes no other', async () => {
    const server = await startGreenfield()
    await (await backendAt(server, meditech(), ecJwk(), rsaJwk())).context()
    expect(readJwt(server.requests[1]?.form.get('client_assertion')).header.alg).toBe('RS384')
  })

  it('JWT-15 says so when there is no RSA key, and sends nothing', async () => {
    const server = await startGreenfield()
    const backend = await backendAt(server, meditech(), ecJwk())
    const failure = await failureOf(() => backend.context())
    expect([failure.code, failure.message]).toEqual([
      'invalid_key',
      expect.stringContaining('RS384, RS256, RS512, but the key set has ES384'),
    ])
    expect(asked(server)).toEqual([`GET ${AT_ROOT}`])
  })

  it('JWT-03 what the server publishes wins over what the dialect knows', async () => {
    const server = await startGreenfield({ published: ['ES384'] })
    await (await backendAt(server, meditech(), rsaJwk(), ecJwk())).context()
    expect(readJwt(server.requests[1]?.form.get('client_assertion')).header.alg).toBe('ES384')
  })

  it.each([
    [400, 'unauthorized_client', /this grant is not enabled for the client/],
    [401, 'invalid_client', /Check clientId, and that the JWKS registered/],
  ])('ERR-02 %s %s has a hint of its own', async (status, error, hint) => {
    const server = await startGreenfield({ token: [status, { error }] })
    const backend = await backendAt(server, meditech())
    const failure = await failureOf(() => backend.context())
    expect([failure.error, failure.message]).toEqual([error, expect.stringMatching(hint)])
  })
})
