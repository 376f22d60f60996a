import { expect, test } from 'vitest'
import {
  assertionForm,
  assertionType,
  authorize,
  basic,
  challengeOf,
  createKey,
  decode,
  post,
  signAssertion,
  startApp,
  startSandbox,
} from './test-app.ts'

const verifier = 'v'.repeat(43)
const secret = 'raw+secret%2F'

async function portal() {
  const { redirectUri } = await startApp()
  const sandbox = await startSandbox({
    mode: 'intelichart',
    clients: [{ clientId: 'portal', clientSecret: secret, redirectUris: [redirectUri] }],
  })
  const callback = await authorize(sandbox, {
    client_id: 'portal',
    redirect_uri: redirectUri,
    scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
  })
  const good = {
    grant_type: 'authorization_code',
    code: callback.get('code') ?? '',
    redirect_uri: redirectUri,
    client_id: 'portal',
    audience: sandbox.fhirBaseUrl,
    code_verifier: verifier,
  }
  return { sandbox, callback, good, token: `${sandbox.issuer}/token` }
}

test('FHIR API and authorization server are two hosts, and each is the root of its own', async () => {
  const sandbox = await startSandbox({ mode: 'intelichart' })
  expect(new URL(sandbox.fhirBaseUrl).port).not.toBe(new URL(sandbox.issuer).port)
  expect(sandbox.fhirBaseUrl).toBe(sandbox.origin.fhir)
  expect(sandbox.issuer).toBe(sandbox.origin.auth)
  const smart = await (await fetch(`${sandbox.fhirBaseUrl}/.well-known/smart-configuration`)).json()
  expect(smart).toMatchObject({ issuer: sandbox.issuer, token_endpoint: `${sandbox.issuer}/token` })
})

test('the callback carries code, state, scope and session_state', async () => {
  const { sandbox, callback, good, token } = await portal()
  expect([...callback.keys()].sort()).toEqual(['code', 'iss', 'scope', 'session_state', 'state'])
  const exchanged = await post(token, good, basic('portal', secret))
  expect(exchanged.status).toBe(200)
  const form = { grant_type: 'refresh_token', refresh_token: String(exchanged.body.refresh_token), client_id: 'portal' }
  expect((await post(token, form, basic('portal', secret))).status).toBe(200)
  expect(sandbox.requestsTo('/token').map(({ status }) => status)).toEqual([200, 200])
})

test('PKCE and aud are not required at the authorization endpoint', async () => {
  const { redirectUri } = await startApp()
  const sandbox = await startSandbox({
    mode: 'intelichart',
    clients: [{ clientId: 'portal', clientSecret: secret, redirectUris: [redirectUri] }],
  })
  const params = { client_id: 'portal', redirect_uri: redirectUri, scope: 'launch/patient', aud: undefined }
  expect((await authorize(sandbox, params)).has('code')).toBe(true)
})

const without = (form: Record<string, string>, key: string) =>
  Object.fromEntries(Object.entries(form).filter(([name]) => name !== key))

test.each(['grant_type', 'redirect_uri', 'client_id', 'audience', 'code_verifier', 'code'])(
  'refuses a code exchange without %s',
  async (key) => {
    const { good, token } = await portal()
    const { status, body } = await post(token, without(good, key), basic('portal', secret))
    expect(status).toBe(400)
    expect(body.error).toBe('invalid_request')
    expect(body.error_description).toContain(key)
  },
)

test.each([
  ['another audience', { audience: 'https://other.example' }, {}, 400, 'audience must be'],
  ['an audience with a slash', { audience: 'SLASH' }, {}, 400, 'audience must be'],
  ['a state', { state: 'x' }, {}, 400, 'must not have state'],
  ['the secret in the body', { client_secret: secret }, {}, 400, 'client_secret belongs in the Authorization header'],
  ['another client_id in the body', { client_id: 'other' }, {}, 400, 'client_id of the body'],
  ['no Authorization header', {}, { authorization: '' }, 401, 'Authorization header'],
  ['a Bearer header', {}, { authorization: 'Bearer x' }, 401, 'must be Basic'],
  ['an encoded secret', {}, basic('portal', encodeURIComponent(secret)), 401, 'unencoded'],
])('refuses a code exchange with %s', async (_name, form: Record<string, string>, headers, status, reason) => {
  const { sandbox, good, token } = await portal()
  const audience: Record<string, string> = form.audience === 'SLASH' ? { audience: `${sandbox.fhirBaseUrl}/` } : {}
  const answer = await post(token, { ...good, ...form, ...audience }, { ...basic('portal', secret), ...headers })
  expect(answer.status).toBe(status)
  expect(answer.body.error).toBe(status === 400 ? 'invalid_request' : 'invalid_client')
  expect(answer.body.error_description).toContain(reason)
  // The refusal used nothing up.
  expect((await post(token, good, basic('portal', secret))).status).toBe(200)
})

test.each([
  ['without client_id', { grant_type: 'refresh_token', refresh_token: 'x' }, 'lacks client_id'],
  [
    'with audience',
    { grant_type: 'refresh_token', refresh_token: 'x', client_id: 'portal', audience: 'x' },
    'audience',
  ],
])('refuses a refresh %s', async (_name, form, reason) => {
  const { token } = await portal()
  const { status, body } = await post(token, form, basic('portal', secret))
  expect(status).toBe(400)
  expect(body.error_description).toContain(reason)
})

async function job() {
  const app = await startApp()
  const key = createKey('RS384')
  app.jwks.keys = [key.publicJwk]
  const sandbox = await startSandbox({ mode: 'intelichart', clients: [{ clientId: 'job', jwksUrl: app.jwksUrl }] })
  const good = (claims: object = {}): Record<string, string> => ({
    grant_type: 'client_credentials',
    scope: 'system/Patient.rs',
    ...assertionForm(sandbox, key, 'job', { jwks_url: app.jwksUrl, accessTokensExpireIn: 5, ...claims }),
  })
  const ask = (form: Record<string, string>, headers = {}) => post(`${sandbox.issuer}/token`, form, headers)
  return { app, sandbox, key, good, ask }
}

test('a job gets a token for as many minutes as its assertion asks', async () => {
  const { good, ask } = await job()
  expect((await ask(good())).body).toMatchObject({ expires_in: 300, scope: 'system/Patient.rs' })
  expect((await ask(good({ accessTokensExpireIn: 2 }))).body).toMatchObject({ expires_in: 120 })
})

test.each([
  ['no jwks_url', { jwks_url: undefined }, 'lacks jwks_url'],
  ['another jwks_url', { jwks_url: 'https://other.example/jwks.json' }, 'not the registered one'],
  ['no accessTokensExpireIn', { accessTokensExpireIn: undefined }, 'accessTokensExpireIn'],
  ['accessTokensExpireIn as text', { accessTokensExpireIn: '5' }, 'accessTokensExpireIn'],
  ['accessTokensExpireIn of 0', { accessTokensExpireIn: 0 }, 'accessTokensExpireIn'],
  ['accessTokensExpireIn of 1.5', { accessTokensExpireIn: 1.5 }, 'accessTokensExpireIn'],
  ['no iat', { iat: undefined }, 'lacks iat'],
  ['an old iat', { iat: Math.floor(Date.now() / 1000) - 90 }, 'iat of the assertion'],
  ['another sub', { sub: 'other' }, 'iss and sub'],
  ['no aud', { aud: undefined }, 'aud'],
  ['no exp', { exp: undefined }, 'expiration'],
  ['no jti', { jti: undefined }, 'jti'],
])('refuses an assertion with %s', async (_name, claims, reason) => {
  const { good, ask } = await job()
  const { status, body } = await ask(good(claims))
  expect(status).toBe(401)
  expect(body.error).toBe('invalid_client')
  expect(body.error_description).toContain(reason)
})

test.each([
  ['another typ', { typ: 'client-authentication+jwt' }, 'typ JWT'],
  ['a jku', { jku: 'https://app.example/jwks.json' }, 'exactly alg, typ and kid'],
  ['no kid', { kid: undefined }, 'exactly alg, typ and kid'],
])('refuses an assertion header with %s', async (_name, header, reason) => {
  const { key, good, ask } = await job()
  const form = good()
  const assertion = signAssertion(key, decode(form.client_assertion), header)
  const { status, body } = await ask({ ...form, client_assertion: assertion })
  expect(status).toBe(401)
  expect(body.error_description).toContain(reason)
})

test('refuses client_credentials with other body members, a header, or a used jti', async () => {
  const { good, ask } = await job()
  const reason = async (form: Record<string, string>, headers = {}) => (await ask(form, headers)).body.error_description
  expect(await reason({ ...good(), client_id: 'job' })).toContain('must not have client_id')
  expect(await reason(without(good(), 'scope'))).toContain('lacks scope')
  expect(await reason(good(), basic('job', 'x'))).toContain('no Authorization header')
  expect(await reason({ ...good(), client_assertion: 'x' })).toContain('not a JWT')
  const form = good()
  expect((await ask(form)).status).toBe(200)
  expect(await reason(form)).toContain('only be used once')
  expect(form.client_assertion_type).toBe(assertionType)
})
