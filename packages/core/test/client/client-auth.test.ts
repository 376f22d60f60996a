import { beforeAll, describe, expect, it } from 'vitest'
import {
  type ClientAuth,
  clientSecretBasic,
  clientSecretPost,
  createBackendServices,
  type Dialect,
  type KeySet,
  loadKeySet,
  privateKeyJwt,
  publicClient,
  smart,
} from '../../src/index.ts'
import { clientCredentialsGrant, exchangeCode, refreshGrant } from '../../src/oauth/grants.ts'
import type { AuthorizationServer } from '../../src/oauth/token-request.ts'
import { failureOf } from '../support/failure-of.ts'
import type { SeenRequest } from '../support/http-server.ts'
import { registeredClient, startSandbox } from '../support/registered-client.ts'
import { fetchTrusting, startSelfSignedServer } from '../support/self-signed-server.ts'
import { ecJwk, readJwt } from '../support/signing-jwks.ts'
import { sendJson, startTokenServer } from '../support/token-server.ts'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
let keys: KeySet
beforeAll(async () => {
  keys = await loadKeySet({ ...ecJwk(), kid: 'key-1' })
})

interface Setting {
  clientAuth: ClientAuth
  clientId?: string
  dialect?: Dialect
  discovered?: Record<string, unknown>
}

/** What the three grants really send. */
async function captureGrants({ clientAuth, clientId = 'app', dialect = smart(), discovered = {} }: Setting) {
  const server = await startTokenServer(undefined, discovered)
  const { fhirBaseUrl, tokenEndpoint } = server
  const client = registeredClient({ fhirBaseUrl, clientId, clientAuth, dialect })
  const target: AuthorizationServer = { tokenEndpoint, issuer: server.origin }
  const channel = { http: {}, now: Date.now }
  const redirectUri = 'https://app.example.com/callback'
  const checks = {
    ...{ state: 's', codeVerifier: 'the-verifier', nonce: undefined, fhirBaseUrl, clientId, redirectUri },
    ...{ scope: 'openid', tokenEndpoint, issuer: undefined, issuerInResponse: false },
  }
  const access = { client, server: target, channel }
  await exchangeCode('the-code', checks, access)
  await refreshGrant({ refreshToken: 'the-refresh-token', grantedScope: 'openid' }, access)
  await clientCredentialsGrant('system/Patient.rs', access)
  const [exchange, refresh, credentials] = server.tokenRequests as [SeenRequest, SeenRequest, SeenRequest]
  return { server, exchange, refresh, credentials, all: [exchange, refresh, credentials] }
}

const decoded = (request: SeenRequest) =>
  Buffer.from(request.headers.authorization?.slice('Basic '.length) ?? '', 'base64').toString()

it.each<[string, string, (secret: string) => ClientAuth]>([
  ['a line break', 'hunter-two\n', clientSecretBasic],
  ['a line break', 'hunter-two\r\n', clientSecretPost],
  ['a space', 'hunter-two ', clientSecretBasic],
])('AUTH-B1 a secret that ends with %s is refused with that reason, and not shown', async (what, secret, make) => {
  const failure = await failureOf(() => make(secret))
  expect(failure.code).toBe('invalid_option')
  expect(failure.message).toContain(`ends with ${what}`)
  expect(failure.message).not.toContain('hunter')
})

describe('client_secret_basic', () => {
  it("AUTH-B1 is SMART's own example to the letter, in each grant", async () => {
    const clientAuth = clientSecretBasic('my-app-secret-123')
    const { all } = await captureGrants({ clientAuth, clientId: 'my-app' })
    for (const { headers } of all) expect(headers.authorization).toBe('Basic bXktYXBwOm15LWFwcC1zZWNyZXQtMTIz')
  })

  it('AUTH-B1 a long secret stays on one line', async () => {
    const secret = 'x'.repeat(300)
    const { exchange } = await captureGrants({ clientAuth: clientSecretBasic(secret) })
    expect(exchange.headers.authorization).toMatch(/^Basic [A-Za-z0-9+/]+=*$/)
    expect(decoded(exchange)).toBe(`app:${secret}`)
  })

  it.each([
    ['raw', 'app id:s+e%c:r/e=t &'],
    ['rfc6749', 'app+id:s%2Be%25c%3Ar%2Fe%3Dt+%26'],
  ] as const)('AUTH-B2 joins id and secret %s', async (encoding, sent) => {
    const clientAuth = clientSecretBasic('s+e%c:r/e=t &', { encoding })
    const { exchange } = await captureGrants({ clientAuth, clientId: 'app id' })
    expect(decoded(exchange)).toBe(sent)
  })

  it('AUTH-B2 raw is the default, and what the sandbox compares with', async () => {
    const clientSecret = 's+e%c:r/e=t'
    const sandbox = await startSandbox({ mode: 'intelichart', clients: [{ clientId: 'app', clientSecret }] })
    const server = { tokenEndpoint: `${sandbox.issuer}/token`, issuer: sandbox.issuer }
    const client = registeredClient({ clientAuth: clientSecretBasic(clientSecret) })
    const request = { refreshToken: 'unknown', grantedScope: 'openid' }
    const channel = { http: {}, now: Date.now }
    await failureOf(() => refreshGrant(request, { client, server, channel }))
    expect(sandbox.requestsTo('/token')[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from(`app:${clientSecret}`).toString('base64')}`,
    )
  })

  it('AUTH-B2 a colon in the client id is refused at construction with raw, and carried by rfc6749', async () => {
    const failure = await failureOf(() =>
      registeredClient({ clientId: 'a:b', clientAuth: clientSecretBasic('secret') }),
    )
    expect(failure.code).toBe('invalid_option')
    expect(failure.message).toContain("{ encoding: 'rfc6749' }")
    const clientAuth = clientSecretBasic('secret', { encoding: 'rfc6749' })
    expect(decoded((await captureGrants({ clientId: 'a:b', clientAuth })).exchange)).toBe('a%3Ab:secret')
  })

  it('AUTH-B2 an encoding of another name is refused', async () => {
    // @ts-expect-error: not one of the two
    const failure = await failureOf(() => clientSecretBasic('secret', { encoding: 'uri' }))
    expect(failure.message).toContain("'raw' or 'rfc6749'")
  })

  it('AUTH-B2 when the server says invalid_client, the other encoding is named if it would make a difference', async () => {
    const hintFor = async (secret: string) => {
      const server = await startTokenServer((_, response) => sendJson(response, { error: 'invalid_client' }, 401))
      const client = registeredClient({ clientAuth: clientSecretBasic(secret) })
      const target = { tokenEndpoint: server.tokenEndpoint, issuer: undefined }
      return (
        await failureOf(() =>
          clientCredentialsGrant('a', { client, server: target, channel: { http: {}, now: Date.now } }),
        )
      ).message
    }
    expect(await hintFor('with+plus')).toContain("{ encoding: 'rfc6749' }")
    expect(await hintFor('plain')).not.toContain('encoding')
  })

  it('AUTH-B3 encodes text outside Latin-1 as UTF-8', async () => {
    const { exchange } = await captureGrants({ clientAuth: clientSecretBasic('päß€🔑') })
    expect(decoded(exchange)).toBe('app:päß€🔑')
  })

  it('AUTH-B5 serves backend services as well, as some vendors want it', async () => {
    const { credentials } = await captureGrants({ clientAuth: clientSecretBasic('secret') })
    expect(decoded(credentials)).toBe('app:secret')
    expect([...credentials.form.keys()].sort()).toEqual(['grant_type', 'scope'])
  })

  it.each([undefined, '', '  '])('AUTH-B1 a secret that is %j is refused at construction', async (secret) => {
    for (const make of [clientSecretBasic, clientSecretPost]) {
      const failure = await failureOf(() => make(secret))
      expect(failure.code).toBe('invalid_option')
      expect(failure.message).toContain(`${make.name}(secret) is ${secret === undefined ? 'undefined' : 'empty'}`)
      expect(failure.message).toContain('environment variable')
    }
  })
})

it('AUTH-B4 client_secret_post sends id and secret in the body, and no Authorization header', async () => {
  const { all } = await captureGrants({ clientAuth: clientSecretPost('the secret') })
  for (const { form, headers } of all) {
    expect(form.get('client_id')).toBe('app')
    expect(form.get('client_secret')).toBe('the secret')
    expect(headers).not.toHaveProperty('authorization')
  }
})

describe('private_key_jwt', () => {
  it('AUTH-J1 signs the code exchange, the refresh and client_credentials, each with an assertion of its own', async () => {
    const { all } = await captureGrants({ clientAuth: privateKeyJwt(keys) })
    for (const { form, headers } of all) {
      expect(form.get('client_assertion_type')).toBe(ASSERTION_TYPE)
      expect(readJwt(form.get('client_assertion')).claims.iss).toBe('app')
      expect(headers).not.toHaveProperty('authorization')
      expect(form.has('client_secret')).toBe(false)
    }
    expect(new Set(all.map(({ form }) => readJwt(form.get('client_assertion')).claims.jti)).size).toBe(3)
  })

  it('AUTH-J2 the grant type stays what it is', async () => {
    const { exchange, refresh, credentials } = await captureGrants({ clientAuth: privateKeyJwt(keys) })
    expect(exchange.form.get('grant_type')).toBe('authorization_code')
    expect(refresh.form.get('grant_type')).toBe('refresh_token')
    expect(credentials.form.get('grant_type')).toBe('client_credentials')
  })

  it('AUTH-J1 without a key set is refused at construction, with what to write', async () => {
    for (const wrong of [undefined, null, { kty: 'EC' }, '{}']) {
      const failure = await failureOf(() => privateKeyJwt(wrong as KeySet | undefined))
      expect(failure.code).toBe('invalid_option')
      expect(failure.message).toContain('await loadKeySet(process.env.PRIVATE_JWKS)')
    }
  })

  it('AUTH-J1 when the server says invalid_client, the key to look for in its JWKS is named', async () => {
    const server = await startTokenServer((_, response) => sendJson(response, { error: 'invalid_client' }, 400))
    const client = registeredClient({ clientAuth: privateKeyJwt(keys) })
    const target = { tokenEndpoint: server.tokenEndpoint, issuer: undefined }
    const failure = await failureOf(() =>
      clientCredentialsGrant('a', { client, server: target, channel: { http: {}, now: Date.now } }),
    )
    expect(failure.message).toContain('"key-1" (ES384)')
  })
})

describe('public client', () => {
  it('AUTH-P1 names itself in the body, at the code exchange and at the refresh, and proves nothing', async () => {
    const { exchange, refresh } = await captureGrants({ clientAuth: publicClient() })
    for (const { form, headers } of [exchange, refresh]) {
      expect(form.getAll('client_id')).toEqual(['app'])
      expect(headers).not.toHaveProperty('authorization')
      expect(form.has('client_assertion')).toBe(false)
    }
  })

  it('AUTH-P2 is what an app is that says nothing; a secret or keys make it a confidential one', () => {
    expect(registeredClient().clientAuth.method).toBe('none')
    expect(registeredClient({ clientAuth: clientSecretBasic('secret') }).clientAuth.method).toBe('client_secret_basic')
  })
})

describe('TLS', () => {
  const documents = (origin: string) => ({
    '/.well-known/smart-configuration': { token_endpoint: `${origin}/token` },
    '/token': { access_token: 'over-tls', token_type: 'bearer', expires_in: 300 },
  })
  const settings = { clientId: 'job', clientAuth: clientSecretBasic('the secret'), scope: 'system/Patient.rs' }

  it('AUTH-X1 a server with an untrusted certificate gets nothing', async () => {
    const server = await startSelfSignedServer(documents)
    const discovery = await failureOf(() =>
      createBackendServices({ ...settings, fhirBaseUrl: server.origin }).context(),
    )
    expect(discovery.code).toBe('discovery_failed')
    expect(discovery.message).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
    const metadata = { token_endpoint: `${server.origin}/token` }
    const token = await failureOf(() =>
      createBackendServices({ ...settings, fhirBaseUrl: server.origin, metadata }).context(),
    )
    expect(token.code).toBe('network_error')
    expect(token.message).toContain('DEPTH_ZERO_SELF_SIGNED_CERT')
    expect(server.requests).toEqual([])
  })

  it('AUTH-X1 an app with its own certificate authority passes a fetch that trusts it', async () => {
    const server = await startSelfSignedServer(documents)
    const fetch = fetchTrusting(server.certificate)
    const services = createBackendServices({ ...settings, fhirBaseUrl: server.origin, fetch })
    expect((await services.context()).accessToken).toBe('over-tls')
  })

  it('AUTH-X1 TLS 1.1 is too old', async () => {
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    const server = await startSelfSignedServer(documents, old)
    const failure = await failureOf(() => createBackendServices({ ...settings, fhirBaseUrl: server.origin }).context())
    expect(failure.message).toMatch(/ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION|ERR_SSL_UNSUPPORTED_PROTOCOL/)
    expect(server.requests).toEqual([])
  })

  it('AUTH-X1 no option turns the check off', async () => {
    for (const option of ['rejectUnauthorized', 'insecure', 'tls']) {
      const options = { ...settings, fhirBaseUrl: 'https://ehr.example.com', [option]: false }
      expect((await failureOf(() => createBackendServices(options))).message).toContain(`unknown option "${option}"`)
    }
  })
})

it.each([
  { token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'] },
  { token_endpoint_auth_methods_supported: [] },
  { token_endpoint_auth_methods: ['private_key_jwt'] },
  {},
])('AUTH-X2 TOK-07 the configured method is used, whatever the server lists: %j', async (discovered) => {
  const server = await startTokenServer(undefined, discovered)
  const settings = { fhirBaseUrl: server.fhirBaseUrl, clientId: 'job', scope: 'system/Patient.rs' }
  await createBackendServices({ ...settings, clientAuth: clientSecretBasic('secret') }).context()
  await createBackendServices({ ...settings, keys }).context()
  const [basic, asymmetric] = server.tokenRequests
  expect(basic?.headers.authorization).toMatch(/^Basic /)
  expect(asymmetric?.form.get('client_assertion_type')).toBe(ASSERTION_TYPE)
})
