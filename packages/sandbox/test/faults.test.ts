import { expect, test } from 'vitest'
import { createUserAgent, type Sandbox, type SandboxFault } from '../src/index.ts'
import { authorize, basic, challengeOf, decode, type Json, post, startApp, startSandbox } from './test-app.ts'

const smartConfiguration = ({ fhirBaseUrl }: Sandbox) =>
  fetch(`${fhirBaseUrl}/.well-known/smart-configuration`, { redirect: 'manual' })

async function withFault(fault: SandboxFault): Promise<Sandbox> {
  const sandbox = await startSandbox()
  sandbox.fault(fault)
  return sandbox
}

test('status: the given answer, for so many requests', async () => {
  const headers = { 'retry-after': '7' }
  const sandbox = await withFault({
    at: 'smart-configuration',
    kind: 'status',
    status: 503,
    body: '{"a":1}',
    headers,
    times: 2,
  })
  const first = await smartConfiguration(sandbox)
  expect([first.status, first.headers.get('retry-after'), await first.text()]).toEqual([503, '7', '{"a":1}'])
  expect((await smartConfiguration(sandbox)).status).toBe(503)
  expect((await smartConfiguration(sandbox)).status).toBe(200)
  expect(sandbox.requests.map(({ status }) => status)).toEqual([503, 503, 200])
})

test('a fault stays until it is cleared', async () => {
  const sandbox = await withFault({ at: 'smart-configuration', kind: 'status', status: 500 })
  for (let i = 0; i < 3; i += 1) expect((await smartConfiguration(sandbox)).status).toBe(500)
  sandbox.clearFaults()
  expect((await smartConfiguration(sandbox)).status).toBe(200)
})

test.each([
  ['openid-configuration', '/.well-known/openid-configuration', 'GET'],
  ['metadata', '/fhir/metadata', 'GET'],
  ['jwks', '/jwks', 'GET'],
  ['authorize', '/authorize', 'GET'],
  ['token', '/token', 'POST'],
  ['revocation', '/revoke', 'POST'],
  ['introspection', '/introspect', 'POST'],
  ['fhir', '/fhir/Patient/1', 'GET'],
] as const)('%s is %s, and nothing else', async (at, path, method) => {
  const sandbox = await withFault({ at, kind: 'status', status: 599, times: 1 })
  expect((await smartConfiguration(sandbox)).status).toBe(200)
  expect((await fetch(`${sandbox.issuer}${path}`, { method })).status).toBe(599)
})

test('slow: the answer comes, later', async () => {
  const sandbox = await withFault({ at: 'smart-configuration', kind: 'slow', seconds: 0.3 })
  const answer = smartConfiguration(sandbox)
  expect(
    await Promise.race([answer.then(() => 'answered'), new Promise((resolve) => setTimeout(resolve, 50, 'waiting'))]),
  ).toBe('waiting')
  expect((await answer).status).toBe(200)
})

test('slow does not hold up close', async () => {
  const sandbox = await withFault({ at: 'smart-configuration', kind: 'slow', seconds: 600 })
  const answer = expect(smartConfiguration(sandbox)).rejects.toThrow()
  await expect.poll(() => sandbox.requests.length).toBe(1)
  await sandbox.close()
  await answer
})

test('reset: the connection is cut', async () => {
  const sandbox = await withFault({ at: 'smart-configuration', kind: 'reset' })
  await expect(smartConfiguration(sandbox)).rejects.toThrow()
  expect(sandbox.requests[0]?.status).toBeUndefined()
})

test('html: a page with status 200', async () => {
  const response = await smartConfiguration(await withFault({ at: 'smart-configuration', kind: 'html' }))
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/html')
})

test('redirect: to somewhere else', async () => {
  const location = 'https://elsewhere.example/'
  const sandbox = await withFault({ at: 'smart-configuration', kind: 'redirect', location, status: 307 })
  const response = await smartConfiguration(sandbox)
  expect([response.status, response.headers.get('location')]).toEqual([307, location])
})

test('endless: a body without an end', async () => {
  const sandbox = await withFault({ at: 'smart-configuration', kind: 'endless' })
  const reader = (await smartConfiguration(sandbox)).body?.getReader()
  let bytes = 0
  while (bytes < 4_000_000) bytes += (await reader?.read())?.value?.byteLength ?? Number.NaN
  expect(bytes).toBeGreaterThanOrEqual(4_000_000)
  await reader?.cancel()
})

test('json: members changed, added or removed, on both hosts', async () => {
  const sandbox = await withFault({
    at: 'smart-configuration',
    kind: 'json',
    patch: (body) => {
      delete body.issuer
      body.token_endpoint = 'auth/token'
    },
  })
  const smart = (await (await smartConfiguration(sandbox)).json()) as Json
  expect(smart.issuer).toBeUndefined()
  expect(smart.token_endpoint).toBe('auth/token')
  sandbox.fault({ at: 'openid-configuration', kind: 'json', patch: () => ['not', 'an', 'object'] })
  expect(await (await fetch(`${sandbox.issuer}/.well-known/openid-configuration`)).json()).toEqual([
    'not',
    'an',
    'object',
  ])
})

async function login(sandbox: Sandbox, redirectUri: string) {
  const verifier = 'v'.repeat(43)
  const callback = await authorize(sandbox, {
    client_id: 'portal',
    redirect_uri: redirectUri,
    scope: 'openid launch/patient',
    nonce: 'sent',
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
  })
  const code = callback.get('code') ?? ''
  const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
  const { body } = await post(`${sandbox.issuer}/token`, form, basic('portal', 'secret'))
  return { callback, body }
}

async function portal() {
  const { redirectUri } = await startApp()
  const clients = [{ clientId: 'portal', clientSecret: 'secret', redirectUris: [redirectUri] }]
  return { redirectUri, sandbox: await startSandbox({ clients }) }
}

test('json at token: an id_token signed anew, with the current key, an unknown one, or none', async () => {
  const { sandbox, redirectUri } = await portal()
  const keys = ((await (await fetch(`${sandbox.issuer}/jwks`)).json()) as { keys: Json[] }).keys.map(({ kid }) => kid)
  for (const [options, published, alg] of [
    [{}, true, 'RS256'],
    [{ alg: 'PS384' }, true, 'PS384'],
    [{ key: 'unknown' }, false, 'RS256'],
    [{ alg: 'none' }, true, 'none'],
  ] as const) {
    sandbox.fault({
      at: 'token',
      kind: 'json',
      times: 1,
      patch: async (body) => ({
        ...body,
        id_token: await sandbox.signIdToken({ ...decode(body.id_token), nonce: 'another' }, options),
      }),
    })
    const { body } = await login(sandbox, redirectUri)
    expect(decode(body.id_token)).toMatchObject({ nonce: 'another', aud: 'portal' })
    expect(decode(body.id_token, 0).alg).toBe(alg)
    expect(keys.includes(decode(body.id_token, 0).kid)).toBe(published)
  }
})

test('callback: the parameters that come back to the app are changed', async () => {
  const { sandbox, redirectUri } = await portal()
  sandbox.fault({
    at: 'callback',
    kind: 'callback',
    times: 1,
    patch: (params) => {
      params.set('state', 'wrong')
      params.append('code', 'second')
      params.delete('iss')
    },
  })
  const { callback } = await login(sandbox, redirectUri)
  expect(callback.get('state')).toBe('wrong')
  expect(callback.getAll('code')).toHaveLength(2)
  expect(callback.has('iss')).toBe(false)
  expect((await login(sandbox, redirectUri)).callback.get('state')).toBe('the-state')
})

test('kinds and places must fit', async () => {
  const sandbox = await startSandbox()
  expect(() => sandbox.fault({ at: 'callback', kind: 'html' })).toThrow(TypeError)
  expect(() => sandbox.fault({ at: 'token', kind: 'callback', patch: () => undefined })).toThrow(TypeError)
  expect(createUserAgent().history).toEqual([])
})
