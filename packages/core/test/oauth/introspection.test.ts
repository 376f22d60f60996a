import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { clientSecretBasic, createBackendServices, loadKeySet, privateKeyJwt, smart } from '../../src/index.ts'
import { type IntrospectionOptions, introspectToken } from '../../src/protocol.ts'
import { startServer } from '../support/http-server.ts'
import { startSandbox } from '../support/registered-client.ts'

const SECRET = 'a-client-secret'

async function startBackend(scope = 'system/Patient.rs') {
  const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign'])
  const keys = await loadKeySet({ ...(await crypto.subtle.exportKey('jwk', privateKey)), alg: 'ES384' })
  const sandbox = await startSandbox({
    clients: [
      { clientId: 'job', jwks: keys.publicJwks() },
      { clientId: 'api', clientSecret: SECRET },
    ],
  })
  const { fhirBaseUrl } = sandbox
  const backend = createBackendServices({ fhirBaseUrl, clientId: 'job', keys, scope })
  const { accessToken, expiresAt } = await backend.context()
  sandbox.clearRequests()
  return { sandbox, fhirBaseUrl, keys, accessToken, expiresAt }
}

/** A server whose introspection endpoint answers like this, known without discovery. */
async function introspectAt(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const server = await startServer((_request, response) => void response.writeHead(status, headers).end(text))
  const metadata = { token_endpoint: `${server.origin}/token`, introspection_endpoint: `${server.origin}/introspect` }
  const result = introspectToken('the-token', {
    fhirBaseUrl: `${server.origin}/fhir`,
    accessToken: 'my-own-token',
    metadata,
  })
  return { server, result }
}

describe('the request', () => {
  it('INT-01 INT-02 posts the token as a form, asks for JSON, and authenticates as the client', async () => {
    const { sandbox, fhirBaseUrl, accessToken, expiresAt } = await startBackend()
    const clientAuth = clientSecretBasic(SECRET)
    const token = await introspectToken(accessToken, { fhirBaseUrl, clientId: 'api', clientAuth })
    expect(token).toMatchObject({ active: true, clientId: 'job' })
    expect(token.active && token.scope.covers('system/Patient.rs')).toBe(true)
    expect(token.active && Math.abs((token.expiresAt ?? 0) - expiresAt)).toBeLessThan(10_000)
    const [request] = sandbox.requestsTo('/introspect')
    expect(request).toMatchObject({
      method: 'POST',
      url: '/introspect',
      headers: {
        accept: 'application/json',
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${btoa(`api:${SECRET}`)}`,
      },
    })
    expect(Object.fromEntries(request?.form ?? [])).toEqual({ token: accessToken })
  })

  it('INT-02 authenticates with a signed assertion too', async () => {
    const { sandbox, fhirBaseUrl, keys, accessToken } = await startBackend()
    const token = await introspectToken(accessToken, { fhirBaseUrl, clientId: 'job', clientAuth: privateKeyJwt(keys) })
    expect(token.active).toBe(true)
    const sent = [...(sandbox.requestsTo('/introspect')[0]?.form.keys() ?? [])].sort()
    expect(sent).toEqual(['client_assertion', 'client_assertion_type', 'token'])
  })

  it('INT-02 authenticates with an access token of its own, and with nothing else', async () => {
    const { sandbox, fhirBaseUrl, accessToken } = await startBackend()
    const token = await introspectToken(accessToken, { fhirBaseUrl, accessToken })
    expect(token).toMatchObject({ active: true, clientId: 'job' })
    const [request] = sandbox.requestsTo('/introspect')
    expect(request?.headers.authorization).toBe(`Bearer ${accessToken}`)
    expect(Object.fromEntries(request?.form ?? [])).toEqual({ token: accessToken })
  })

  it('INT-01 INT-02 says what is missing before anything is sent', async () => {
    const { sandbox, fhirBaseUrl } = await startBackend()
    const clientAuth = clientSecretBasic(SECRET)
    for (const attempt of [
      () => introspectToken('', { fhirBaseUrl, accessToken: 'x' }),
      () => introspectToken('t', { fhirBaseUrl }),
      () => introspectToken('t', { fhirBaseUrl, accessToken: ' ' }),
      () => introspectToken('t', { fhirBaseUrl, accessToken: 'x', clientId: 'api', clientAuth }),
      () => introspectToken('t', { fhirBaseUrl: '', accessToken: 'x' }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'invalid_option' })
    }
    expect(sandbox.requests).toEqual([])
  })

  it('RFC 7523 §3: an assertion for the token endpoint of one server is not sent to an endpoint of another', async () => {
    const { sandbox, fhirBaseUrl, keys } = await startBackend()
    const answers = (_request: unknown, response: ServerResponse) => void response.end('{"active":false}')
    const hostile = await startServer(answers)
    const endpoints = {
      token_endpoint: `${sandbox.issuer}/token`,
      introspection_endpoint: `${hostile.origin}/introspect`,
    }
    sandbox.fault({ at: 'smart-configuration', kind: 'json', patch: (body) => ({ ...body, ...endpoints }) })
    const ask = (options: Partial<IntrospectionOptions>) => introspectToken('t', { fhirBaseUrl, ...options })
    await expect(ask({ clientId: 'job', clientAuth: privateKeyJwt(keys) })).rejects.toMatchObject({
      code: 'discovery_failed',
      message: expect.stringContaining('metadata.introspection_endpoint'),
    })
    expect(hostile.requests).toEqual([])

    const { introspection_endpoint } = endpoints
    const named = { clientId: 'job', clientAuth: privateKeyJwt(keys), metadata: { introspection_endpoint } }
    for (const allowed of [named, { accessToken: 'of-this-server' }]) {
      await expect(ask(allowed)).resolves.toEqual({ active: false })
    }
    expect(hostile.requests).toHaveLength(2)
  })

  it('INT-01 a server without introspection is a typed error that names the option to set', async () => {
    const { sandbox, fhirBaseUrl } = await startBackend()
    sandbox.fault({ at: 'smart-configuration', kind: 'json', patch: ({ introspection_endpoint, ...rest }) => rest })
    await expect(introspectToken('t', { fhirBaseUrl, accessToken: 'x' })).rejects.toMatchObject({
      code: 'missing_endpoint',
      message: expect.stringContaining('metadata.introspection_endpoint'),
    })
  })
})

describe('the answer', () => {
  it('INT-03 an active token has its scope, client, expiry, person and launch context', async () => {
    const { server, result } = await introspectAt(200, {
      ...{ active: true, scope: 'patient/*.rs openid', client_id: 'app', exp: 1_700_000_000, iat: 1_699_999_700 },
      ...{ iss: 'https://ehr.example', sub: 'person-1', fhirUser: 'Practitioner/7' },
      ...{ patient: 'Patient/1', encounter: '2', intent: 'order', __dark: true },
    })
    const token = await result
    expect(token).toEqual({
      ...{ active: true, scope: expect.anything(), clientId: 'app', expiresAt: 1_700_000_000_000 },
      ...{ iss: 'https://ehr.example', sub: 'person-1', patient: '1', encounter: '2' },
      fhirUser: { type: 'Practitioner', id: '7', url: `${server.origin}/fhir/Practitioner/7` },
      launch: { intent: 'order', iat: 1_699_999_700, __dark: true },
    })
    expect(token.active && token.scope.covers('patient/Observation.r openid')).toBe(true)
    expect(server.requests).toHaveLength(1)
  })

  it('INT-03 an inactive answer says nothing else, whatever it holds', async () => {
    const { result } = await introspectAt(200, { active: false, scope: 'system/*.cruds', patient: '1', sub: 'x' })
    expect(await result).toEqual({ active: false })
    const { fhirBaseUrl, accessToken } = await startBackend()
    expect(await introspectToken('never-issued', { fhirBaseUrl, accessToken })).toEqual({ active: false })
  })

  it('INT-03 scopes are read as the dialect spells them', async () => {
    const body = { active: true, scope: 'system-Patient.rs' }
    const server = await startServer((_request, response) => void response.end(JSON.stringify(body)))
    const endpoint = `${server.origin}/introspect`
    const token = await introspectToken('the-token', {
      fhirBaseUrl: `${server.origin}/fhir`,
      accessToken: 'mine',
      metadata: { token_endpoint: `${server.origin}/token`, introspection_endpoint: endpoint },
      dialect: smart({ scopes: { decode: (scope) => scope.replace('-', '/') } }),
    })
    expect(token.active && token.scope.covers('system/Patient.r')).toBe(true)
  })

  it.each([
    ['401', 401, { error: 'invalid_token' }, 'token_request_refused'],
    ['403', 403, { active: false }, 'token_request_refused'],
    ['500', 500, '', 'token_request_refused'],
    ['a redirect', 302, '', 'unexpected_redirect'],
    ['a web page', 200, '<html>', 'invalid_response'],
    ['an OAuth error with 200', 200, { error: 'invalid_client' }, 'token_request_refused'],
    ['no "active"', 200, { scope: 'openid' }, 'invalid_response'],
    ['an "active" that is a text', 200, { active: 'true' }, 'invalid_response'],
  ])('INT-04 an error is not "inactive": %s', async (_name, status, body, code) => {
    const { result } = await introspectAt(status, body, { location: 'https://evil.example' })
    await expect(result).rejects.toMatchObject({ code })
  })

  it('INT-04 an active answer is not kept: the next question is asked again', async () => {
    const { sandbox, fhirBaseUrl, accessToken, keys } = await startBackend()
    const ask = () => introspectToken(accessToken, { fhirBaseUrl, clientId: 'job', clientAuth: privateKeyJwt(keys) })
    expect((await ask()).active).toBe(true)
    sandbox.revokeAll()
    expect((await ask()).active).toBe(false)
  })

  it('ERR-06 an error shows neither the token asked about nor the one that authenticated', async () => {
    const server = await startServer((request, response) => {
      const error_description = `${request.headers.authorization} ${request.body}`
      response.writeHead(400).end(JSON.stringify({ error: 'invalid_request', error_description }))
    })
    const failure = await introspectToken('the-token-in-question', {
      fhirBaseUrl: `${server.origin}/fhir`,
      accessToken: 'my-own-token',
      metadata: { token_endpoint: `${server.origin}/token`, introspection_endpoint: `${server.origin}/introspect` },
    }).catch((error: Error) => error)
    expect(failure).toMatchObject({ error: 'invalid_request' })
    const seen = JSON.stringify(failure) + String(failure)
    expect(seen).not.toMatch(/the-token-in-question|my-own-token/)
  })
})
