import { expect, test } from 'vitest'
import {
  type AppKey,
  assertionForm,
  assertionType,
  createKey,
  post,
  signAssertion,
  startApp,
  startSandbox,
} from './test-app.ts'

async function backend(key: AppKey = createKey()) {
  const app = await startApp()
  app.jwks.keys = [key.publicJwk]
  const sandbox = await startSandbox({ clients: [{ clientId: 'job', jwksUrl: app.jwksUrl, scope: 'system/*.rs' }] })
  const ask = (form: Record<string, string>) =>
    post(`${sandbox.issuer}/token`, { grant_type: 'client_credentials', scope: 'system/Patient.rs', ...form })
  return { app, sandbox, key, ask }
}

test.each(['RS384', 'ES384'] as const)('a job signs with %s and gets a token, no refresh token', async (alg) => {
  const { app, sandbox, key, ask } = await backend(createKey(alg))
  const { status, body } = await ask(assertionForm(sandbox, key, 'job'))
  expect(status).toBe(200)
  expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'scope', 'token_type'])
  expect(body).toMatchObject({ expires_in: 300, scope: 'system/Patient.rs' })
  expect(app.jwks.fetched).toBe(1)
})

test('an inline key set serves as well', async () => {
  const key = createKey()
  const sandbox = await startSandbox({ clients: [{ clientId: 'job', jwks: { keys: [key.publicJwk] } }] })
  const form = { grant_type: 'client_credentials', scope: 'system/Patient.rs', ...assertionForm(sandbox, key, 'job') }
  expect((await post(`${sandbox.issuer}/token`, form)).status).toBe(200)
})

test('only system scopes are granted, and scope is required', async () => {
  const { sandbox, key, ask } = await backend()
  const mixed = await ask({ scope: 'patient/*.rs system/Group.rs openid', ...assertionForm(sandbox, key, 'job') })
  expect(mixed.body.scope).toBe('system/Group.rs')
  expect((await ask({ scope: 'patient/*.rs', ...assertionForm(sandbox, key, 'job') })).body.error).toBe('invalid_scope')
  expect((await ask({ scope: '', ...assertionForm(sandbox, key, 'job') })).body.error).toBe('invalid_scope')
})

test('an assertion works once', async () => {
  const { sandbox, key, ask } = await backend()
  const form = assertionForm(sandbox, key, 'job')
  expect((await ask(form)).status).toBe(200)
  expect(await ask(form)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
})

const now = () => Math.floor(Date.now() / 1000)
test.each([
  ['aud as a list', (token: string) => ({ aud: [token] })],
  ['aud of the issuer', (token: string) => ({ aud: new URL(token).origin })],
  ['no exp', () => ({ exp: undefined })],
  ['exp too far ahead', () => ({ exp: now() + 600 })],
  ['exp in the past', () => ({ exp: now() - 60 })],
  ['no jti', () => ({ jti: undefined })],
  ['another iss', () => ({ iss: 'other' })],
])('refuses an assertion with %s', async (_name, claims) => {
  const { sandbox, key, ask } = await backend()
  const { status, body } = await ask(assertionForm(sandbox, key, 'job', claims(`${sandbox.issuer}/token`)))
  expect(status).toBe(401)
  expect(body.error).toBe('invalid_client')
})

test('refuses an assertion without typ, without kid, or signed by another key', async () => {
  const { sandbox, key, ask } = await backend()
  const claims = { iss: 'job', sub: 'job', aud: `${sandbox.issuer}/token`, exp: now() + 60 }
  const attempt = async (signer: AppKey, header: object, jti: string) =>
    (
      await ask({
        client_assertion_type: assertionType,
        client_assertion: signAssertion(signer, { ...claims, jti }, header),
      })
    ).body.error
  expect(await attempt(key, {}, '0')).toBeUndefined()
  expect(await attempt(key, { typ: undefined }, '1')).toBe('invalid_client')
  expect(await attempt(key, { kid: undefined }, '2')).toBe('invalid_client')
  expect(await attempt(createKey('ES384', key.kid), {}, '3')).toBe('invalid_client')
})

test('keys are cached as the app says, and fetched again for an unknown kid', async () => {
  const { app, sandbox, key, ask } = await backend()
  app.jwks.cacheControl = 'public, max-age=300'
  await ask(assertionForm(sandbox, key, 'job'))
  await ask(assertionForm(sandbox, key, 'job'))
  expect(app.jwks.fetched).toBe(1)

  const next = createKey()
  app.jwks.keys = [key.publicJwk, next.publicJwk]
  expect((await ask(assertionForm(sandbox, next, 'job'))).status).toBe(200)
  expect(app.jwks.fetched).toBe(2)

  expect((await ask(assertionForm(sandbox, createKey(), 'job'))).status).toBe(401)
  expect(app.jwks.fetched).toBe(3)
})

test('without Cache-Control keys are fetched each time, so a dropped key stops at once', async () => {
  const { app, sandbox, key, ask } = await backend()
  expect((await ask(assertionForm(sandbox, key, 'job'))).status).toBe(200)
  app.jwks.keys = [createKey().publicJwk]
  expect((await ask(assertionForm(sandbox, key, 'job'))).status).toBe(401)
  expect(app.jwks.fetched).toBe(2)
})

test('a JWKS that is unreachable, private or not loopback is explained', async () => {
  const key = createKey()
  const app = await startApp()
  app.jwks.keys = [key.privateKey.export({ format: 'jwk' })]
  const clients = [
    { clientId: 'gone', jwksUrl: 'http://127.0.0.1:1/jwks.json' },
    { clientId: 'leaky', jwksUrl: app.jwksUrl },
    { clientId: 'plain', jwksUrl: 'http://app.example/jwks.json' },
    { clientId: 'page', jwksUrl: `${app.origin}/` },
  ]
  const sandbox = await startSandbox({ clients })
  const reasons = clients.map(async ({ clientId }) => {
    const form = { grant_type: 'client_credentials', scope: 'system/*.rs', ...assertionForm(sandbox, key, clientId) }
    return (await post(`${sandbox.issuer}/token`, form)).body.error_description
  })
  expect(await Promise.all(reasons)).toEqual([
    expect.stringContaining('cannot be reached'),
    expect.stringContaining('publishes private members: d'),
    expect.stringContaining('must be https'),
    expect.stringContaining('did not answer with a JWK Set'),
  ])
})
