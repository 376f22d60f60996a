import type { ServerResponse } from 'node:http'
import { expect, it } from 'vitest'
import type { Client } from '../../src/client/client.ts'
import {
  type ClientAuth,
  clientSecretBasic,
  clientSecretPost,
  type DialectOverrides,
  defineDialect,
  intelichart,
  loadKeySet,
  privateKeyJwt,
  publicClient,
  smart,
} from '../../src/index.ts'
import { type AuthorizationChecks, createAuthorizationRequest } from '../../src/oauth/authorization-request.ts'
import { clientCredentialsGrant, exchangeCode, refreshGrant } from '../../src/oauth/grants.ts'
import { failureOf } from '../support/failure-of.ts'
import { registeredClient } from '../support/registered-client.ts'
import { ecJwk } from '../support/signing-jwks.ts'
import { grantOf, sendJson, startTokenServer, type TokenServer } from '../support/token-server.ts'

const NOW = Date.UTC(2026, 0, 1)
const REDIRECT_URI = 'https://app.example.com/callback?x=1&y=%20'
const CODE = 'the/code+with=signs'
const channel = { http: {}, now: () => NOW }
const secret = clientSecretBasic('secret')
const keys = await loadKeySet(ecJwk())

const targetOf = ({ tokenEndpoint }: TokenServer) => ({ tokenEndpoint, issuer: undefined })
const keysOf = ({ tokenRequests }: TokenServer) => [...(tokenRequests.at(-1)?.form.keys() ?? [])].sort()

async function checksFor(client: Client, server: TokenServer): Promise<AuthorizationChecks> {
  const metadata = {
    ...{ authorization_endpoint: `${server.origin}/authorize`, token_endpoint: server.tokenEndpoint },
    ...{ sources: [], documents: [] },
  }
  return (await createAuthorizationRequest({ ...client, redirectUri: REDIRECT_URI }, metadata)).checks
}

async function exchange(server: TokenServer, clientAuth: ClientAuth, dialect = smart()) {
  const client = registeredClient({ fhirBaseUrl: server.fhirBaseUrl, clientAuth, dialect })
  const checks = await checksFor(client, server)
  return { checks, response: await exchangeCode(CODE, checks, { client, server: targetOf(server), channel }) }
}

it.each([
  ['public', publicClient(), ['client_id']],
  ['client_secret_basic', secret, []],
  ['client_secret_post', clientSecretPost('secret'), ['client_id', 'client_secret']],
  ['private_key_jwt', privateKeyJwt(keys), ['client_assertion', 'client_assertion_type']],
])('TOK-02 TOK-03 TOK-05 a %s client sends exactly what the code exchange needs', async (_name, clientAuth, proof) => {
  const server = await startTokenServer()
  const { checks } = await exchange(server, clientAuth)
  expect(keysOf(server)).toEqual([...proof, 'code', 'code_verifier', 'grant_type', 'redirect_uri'].sort())
  const form = server.tokenRequests[0]?.form
  expect(form?.get('grant_type')).toBe('authorization_code')
  expect(form?.get('code')).toBe(CODE)
  expect(form?.get('redirect_uri')).toBe(REDIRECT_URI)
  expect(form?.get('code_verifier')).toBe(checks.codeVerifier)
  expect(form?.get('code_verifier')).toMatch(/^[\w.~-]{43,128}$/)
})

it.each([
  ['Basic', secret],
  ['an assertion', privateKeyJwt(keys)],
])('TOK-03 with sendClientId always, client_id stands in the body beside %s', async (_name, clientAuth) => {
  const server = await startTokenServer()
  await exchange(server, clientAuth, smart({ token: { sendClientId: 'always' } }))
  expect(server.tokenRequests[0]?.form.getAll('client_id')).toEqual(['app'])
})

it('TOK-03 a dialect can add client_id and others by grant; each parameter occurs once', async () => {
  const server = await startTokenServer()
  const dialect = defineDialect('saraalert', {
    token: {
      parameters: ({ clientId, grantType }) =>
        grantType === 'client_credentials' ? { client_id: clientId, tenant: '7' } : { scope: 'extra' },
    },
  })
  const client = registeredClient({ clientAuth: privateKeyJwt(keys), dialect })
  await clientCredentialsGrant('system/Patient.rs', { client, server: targetOf(server), channel })
  expect(keysOf(server)).toEqual(
    ['client_assertion', 'client_assertion_type', 'client_id', 'grant_type', 'scope', 'tenant'].sort(),
  )
  expect(server.tokenRequests[0]?.form.get('client_id')).toBe('app')
})

it('TOK-05 TOK-03 InteliChart: exactly the six parameters of its code exchange, and three at the refresh', async () => {
  const server = await startTokenServer()
  await exchange(server, secret, intelichart())
  const form = server.tokenRequests[0]?.form
  expect(keysOf(server)).toEqual(['audience', 'client_id', 'code', 'code_verifier', 'grant_type', 'redirect_uri'])
  expect(form?.get('audience')).toBe(server.fhirBaseUrl)
  const client = registeredClient({ fhirBaseUrl: server.fhirBaseUrl, clientAuth: secret, dialect: intelichart() })
  await refreshGrant({ refreshToken: 'r', grantedScope: 'openid' }, { client, server: targetOf(server), channel })
  expect(keysOf(server)).toEqual(['client_id', 'grant_type', 'refresh_token'])
})

it('TOK-02 without PKCE no code_verifier is sent', async () => {
  const server = await startTokenServer()
  await exchange(server, secret, smart({ authorization: { pkce: 'off' } }))
  expect(keysOf(server)).toEqual(['code', 'grant_type', 'redirect_uri'])
})

it.each([
  [
    'a refusal',
    (response: ServerResponse) => sendJson(response, { error: 'invalid_grant' }, 400),
    'token_request_refused',
  ],
  ['a server error', (response: ServerResponse) => response.writeHead(503).end(), 'token_request_refused'],
  ['a cut connection', (response: ServerResponse) => response.destroy(), 'network_error'],
  ['silence', () => {}, 'timeout'],
  ['an unusable answer', (response: ServerResponse) => sendJson(response, {}), 'invalid_token_response'],
] as const)('TOK-06 after %s the code is not tried again', async (_name, answer, code) => {
  const server = await startTokenServer((_request, response) => answer(response))
  const client = registeredClient({ clientAuth: secret })
  const checks = await checksFor(client, server)
  const impatient = { http: { timeoutSeconds: code === 'timeout' ? 1 : 10 }, now: () => NOW }
  const failure = await failureOf(() =>
    exchangeCode(CODE, checks, { client, server: targetOf(server), channel: impatient }),
  )
  expect(failure.code).toBe(code)
  expect(failure.message).not.toContain(CODE)
  expect(server.tokenRequests).toHaveLength(1)
})

it('TOK-07 keys alone make a client asymmetric', async () => {
  const server = await startTokenServer()
  await exchange(server, privateKeyJwt(keys))
  expect(server.tokenRequests[0]?.form.get('client_assertion_type')).toContain('jwt-bearer')
  expect(server.tokenRequests[0]?.headers.authorization).toBeUndefined()
})

it('RFR-02 a refresh asks for no scope, or for less than was granted, never for more', async () => {
  const server = await startTokenServer()
  const client = registeredClient({ clientAuth: secret })
  const refresh = (scope?: string) => {
    const request = { refreshToken: 'r', grantedScope: 'patient/*.rs offline_access', scope }
    return refreshGrant(request, { client, server: targetOf(server), channel })
  }
  await refresh()
  expect(server.tokenRequests[0]?.form.has('scope')).toBe(false)
  await refresh('patient/Observation.r')
  expect(server.tokenRequests[1]?.form.get('scope')).toBe('patient/Observation.r')
  const failure = await failureOf(() => refresh('patient/Observation.cruds'))
  expect(failure.code).toBe('invalid_option')
  expect(failure.message).toContain('patient/Observation.cruds was not granted')
  expect(server.tokenRequests).toHaveLength(2)
})

it('SCP-12 scopes go over the wire in the form of the dialect, and come back in that of SMART', async () => {
  const scopes: DialectOverrides['scopes'] = {
    encode: (scope) => scope.replace('/', '-'),
    decode: (scope) => scope.replace('-', '/'),
  }
  const server = await startTokenServer((_request, response) =>
    sendJson(response, { ...grantOf(1), scope: 'system-Patient.rs' }),
  )
  const client = registeredClient({ clientAuth: secret, dialect: smart({ scopes }) })
  const scope = 'system/Patient.rs system/Group.rs'
  const response = await clientCredentialsGrant(scope, { client, server: targetOf(server), channel })
  expect(server.tokenRequests[0]?.form.get('scope')).toBe('system-Patient.rs system-Group.rs')
  expect(response.scope).toBe('system/Patient.rs')
})
