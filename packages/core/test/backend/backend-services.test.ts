import { inspect } from 'node:util'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type BackendServices,
  type BackendServicesOptions,
  clientSecretBasic,
  createBackendServices,
  intelichart,
  type KeySet,
  loadKeySet,
  privateKeyJwt,
  smart,
} from '../../src/index.ts'
import type { AnyBackendOptions } from '../support/any-options.ts'
import { startCoreApp } from '../support/core-app.ts'
import { failureOf } from '../support/failure-of.ts'
import { startServer } from '../support/http-server.ts'
import { createMapStore } from '../support/map-store.ts'
import { startSandbox } from '../support/registered-client.ts'
import { ecJwk, readJwt, rsaJwk, verifiesWithNodeCrypto } from '../support/signing-jwks.ts'
import { grantOf, sendJson, startTokenServer, type TokenServer } from '../support/token-server.ts'

const START = Date.UTC(2026, 0, 1)
const SCOPE = 'system/Patient.rs'
/** For what goes on in the background: an end to waiting, not a measure. */
const PATIENCE = { timeout: 10_000 }
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
let keys: KeySet
beforeAll(async () => {
  keys = await loadKeySet({ ...ecJwk(), kid: 'key-1' })
})

/** Backend services against a token server, with a clock to set. */
function createAt({ fhirBaseUrl }: Pick<TokenServer, 'fhirBaseUrl'>, options: AnyBackendOptions = {}) {
  const clock = { seconds: 0 }
  const now = () => START + clock.seconds * 1000
  const services = createBackendServices({
    ...{ fhirBaseUrl, clientId: 'job', keys, scope: SCOPE, now },
    ...options,
  } as BackendServicesOptions) // complete, but where a test wants it otherwise
  return { clock, services, token: async () => (await services.context()).accessToken }
}

const assertions = (server: TokenServer) =>
  server.tokenRequests.map(({ form }) => readJwt(form.get('client_assertion')))

/** An app that serves its JWKS over real HTTP, registered at a sandbox by its URL. */
async function startJob(make: () => object, mode: 'smart' | 'intelichart' = 'smart', scope = SCOPE) {
  const sandbox = await startSandbox({ mode })
  const ownKeys = await loadKeySet(make())
  const app = await startCoreApp(
    (origin) =>
      createBackendServices({
        ...{ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'job', keys: ownKeys, scope },
        dialect: mode === 'smart' ? smart() : intelichart({ jwksUrl: `${origin}/.well-known/jwks.json` }),
      }),
    (fhir) => fhir?.accessToken,
  )
  const jwksUrl = `${app.origin}/.well-known/jwks.json`
  sandbox.registerClient({ clientId: 'job', jwksUrl, scope: 'system/*.rs' })
  return { sandbox, app, jwksUrl, services: app.handler as BackendServices }
}

describe('with the sandbox, over real HTTP', () => {
  it.each([
    ['RS384', () => rsaJwk()],
    ['ES384', () => ecJwk()],
  ])(
    'BSV-01 BSV-02 JWT-02 JWKS-01 an %s assertion is accepted by way of the JWKS URL, and by node:crypto',
    async (alg, make) => {
      const { sandbox, jwksUrl, services } = await startJob(make)
      const fhir = await services.context()
      expect((await fhir.fetch('Patient')).status).toBe(200)
      const [request] = sandbox.requestsTo('/token')
      expect([...(request?.form.keys() ?? [])].sort()).toEqual([
        ...['client_assertion', 'client_assertion_type', 'grant_type', 'scope'],
      ])
      expect(request?.form.get('grant_type')).toBe('client_credentials')
      expect(request?.form.get('scope')).toBe(SCOPE)
      expect(request?.form.get('client_assertion_type')).toBe(ASSERTION_TYPE)
      const assertion = request?.form.get('client_assertion') ?? ''
      const { header, claims } = readJwt(assertion)
      expect(header).toEqual({ alg, typ: 'JWT', kid: header.kid })
      expect(claims.aud).toBe(`${sandbox.issuer}/token`)
      const jwks = (await (await fetch(jwksUrl)).json()) as { keys: { kid: string }[] }
      const matching = jwks.keys.filter(({ kid }) => kid === header.kid)
      expect(matching).toHaveLength(1)
      expect(verifiesWithNodeCrypto(assertion, matching[0] ?? {}, 'sha384')).toBe(true)
    },
  )

  it('BSV-02 the token endpoint comes from smart-configuration', async () => {
    const { sandbox, services } = await startJob(ecJwk)
    await services.context()
    const places = sandbox.requests.map(({ path }) => path)
    expect(places).toEqual(['/fhir/.well-known/smart-configuration', '/token'])
  })

  it('BSV-01 InteliChart accepts exactly what its dialect sends', async () => {
    const { sandbox, jwksUrl, services } = await startJob(rsaJwk, 'intelichart')
    const fhir = await services.context()
    expect((await fhir.fetch('Patient')).status).toBe(200)
    const [request] = sandbox.requestsTo('/token')
    expect([...(request?.form.keys() ?? [])].sort()).toEqual([
      ...['client_assertion', 'client_assertion_type', 'grant_type', 'scope'],
    ])
    expect(readJwt(request?.form.get('client_assertion')).claims).toMatchObject({
      jwks_url: jwksUrl,
      accessTokensExpireIn: 5,
    })
  })

  it('BSV-09 when the FHIR server refuses the token, one new one is fetched and the request replayed', async () => {
    const { sandbox, services } = await startJob(ecJwk)
    const fhir = await services.context()
    sandbox.revokeAll()
    sandbox.clearRequests()
    expect((await fhir.fetch('Patient')).status).toBe(200)
    expect(sandbox.requests.map(({ path }) => path)).toEqual(['/fhir/Patient', '/token', '/fhir/Patient'])
  })

  it('BSV-10 a narrower grant shows in the scope of the context', async () => {
    const { services } = await startJob(ecJwk, 'smart', 'system/Patient.cruds system/Group.rs')
    const { scope } = await services.context()
    expect(scope.covers('system/Group.rs')).toBe(true)
    expect(scope.missing('system/Patient.cruds system/Group.rs')).toEqual(['system/Patient.cruds'])
  })

  it('JWKS-02 JWKS-03 JWKS-04 anybody gets the key set, as JSON, with a time to keep it', async () => {
    const { app, jwksUrl } = await startJob(() => ({ keys: [ecJwk(), rsaJwk()] }))
    const response = await fetch(`${jwksUrl}?x=1`, { redirect: 'error' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('cache-control')).toBe('public, max-age=600')
    const text = await response.text()
    for (const { kty, kid, alg, use } of JSON.parse(text).keys) {
      expect([kty, alg, use]).toEqual([kty, kty === 'EC' ? 'ES384' : 'RS384', 'sig'])
      expect(kid).toMatch(/^[\w-]{43}$/)
    }
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(text).not.toContain(`"${member}":`)
    expect((await fetch(jwksUrl, { method: 'POST' })).status).toBe(405)
    expect((await fetch(jwksUrl, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(`${app.origin}/.well-known/jwks.jsonx`)).headers.get('cache-control')).toBeNull()
  })
})

describe('the JWKS route', () => {
  const base = { fhirBaseUrl: 'https://ehr.example.com/fhir', clientId: 'job', scope: SCOPE }
  const request = { method: 'GET', url: '/', header: () => undefined }

  it('JWKS-02 can be elsewhere, or nowhere', () => {
    expect(createBackendServices({ ...base, keys }).handles('/.well-known/jwks.json')).toBe(true)
    const moved = createBackendServices({ ...base, keys, jwksPath: '/keys' })
    expect([moved.handles('/keys?x=1'), moved.handles('/.well-known/jwks.json')]).toEqual([true, false])
    expect(createBackendServices({ ...base, keys, jwksPath: false }).handles('/.well-known/jwks.json')).toBe(false)
    const clientAuth = clientSecretBasic('secret')
    expect(createBackendServices({ ...base, clientAuth }).handles('/.well-known/jwks.json')).toBe(false)
  })

  it('JWKS-03 its max-age can be set to suit the rotation', async () => {
    const answer = await createBackendServices({ ...base, keys, jwksMaxAgeSeconds: 60 }).answer(request)
    expect(answer.headers['cache-control']).toBe('public, max-age=60')
  })

  it('JWKS-01 the same set can be handed over inline', async () => {
    const sandbox = await startSandbox()
    sandbox.registerClient({ clientId: 'job', jwks: keys.publicJwks() })
    const services = createBackendServices({ ...base, fhirBaseUrl: sandbox.fhirBaseUrl, keys })
    expect((await services.context()).accessToken).toBeTypeOf('string')
  })
})

describe('one token for all', () => {
  it('BSV-08 DISC-13 a thousand callers with nothing cached make one discovery and one token request', async () => {
    const server = await startTokenServer()
    const { token } = createAt(server)
    const tokens = await Promise.all(Array.from({ length: 1000 }, token))
    expect(new Set(tokens)).toEqual(new Set(['token-1']))
    expect(server.discoveryRequests).toHaveLength(1)
    expect(server.tokenRequests).toHaveLength(1)
    expect(server.requests).toHaveLength(2)
  })

  it('BSV-08 when the token is about to expire, a thousand callers are served while one renewal is made', async () => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const server = await startTokenServer(async (_request, response, count) => {
      if (count === 2) await gate
      sendJson(response, grantOf(count))
    })
    const { clock, token } = createAt(server)
    await token()
    clock.seconds = 280
    const tokens = await Promise.all(Array.from({ length: 1000 }, token))
    expect(new Set(tokens)).toEqual(new Set(['token-1']))
    release()
    await vi.waitFor(async () => expect(await token()).toBe('token-2'), PATIENCE)
    expect(server.tokenRequests).toHaveLength(2)
    expect(server.discoveryRequests).toHaveLength(1)
  })

  it('BSV-08 the scope tells tokens apart, its order does not', async () => {
    const server = await startTokenServer()
    const { services } = createAt(server, { scope: 'system/Patient.rs system/Group.rs' })
    const token = async (scope?: string) => (await services.context({ scope })).accessToken
    expect(await token()).toBe('token-1')
    expect(await token('system/Group.rs system/Patient.rs')).toBe('token-1')
    expect(await token('system/Patient.rs')).toBe('token-2')
    expect(await token('system/Observation.rs system/Patient.rs')).toBe('token-3')
    expect(await token('system/Patient.rs  system/Observation.rs')).toBe('token-3')
    expect(server.tokenRequests.map(({ form }) => form.get('scope'))).toEqual([
      'system/Patient.rs system/Group.rs',
      'system/Patient.rs',
      'system/Observation.rs system/Patient.rs',
    ])
  })

  it('BSV-08 a context is one object for as long as its token is', async () => {
    const { services } = createAt(await startTokenServer())
    const first = await services.context()
    expect(services.context()).toBe(first)
    expect(services.contextFor({ method: 'GET', url: '/', header: () => undefined })).toBe(first)
  })
})

describe('lifetimes', () => {
  it.each([
    ['missing', undefined, 300],
    ['a text', '300', 300],
    ['zero', 0, 300],
    ['negative', -1, 300],
    ['absurd', 1e12, 365 * 24 * 3600],
    ['that of an hour', 3600, 3600],
    ['one of 570 s', 570, 570],
    ['one of 30 s', 30, 30],
    ['one of 5 s', 5, 5],
  ])(
    'BSV-05 BSV-06 expires_in that is %s (%s): the token counts for %i s, and is not asked for again at once',
    async (_name, expires_in, seconds) => {
      const server = await startTokenServer((_request, response, count) =>
        sendJson(response, { ...grantOf(count), expires_in }),
      )
      const { clock, services, token } = createAt(server)
      const { expiresAt } = await services.context()
      expect(expiresAt).toBe(START + seconds * 1000)
      for (let i = 0; i < 100; i++) await token()
      expect(server.tokenRequests).toHaveLength(1)
      clock.seconds = seconds
      expect(await token()).toBe('token-2')
    },
  )

  it('BSV-05 a missing scope stands for the one asked for', async () => {
    const server = await startTokenServer((_, response) =>
      sendJson(response, { access_token: 'a', token_type: 'Bearer' }),
    )
    expect((await createAt(server).services.context()).scope.covers(SCOPE)).toBe(true)
  })

  it('BSV-07 a refresh token is ignored: the next token is a new grant', async () => {
    const server = await startTokenServer((_request, response, count) =>
      sendJson(response, { ...grantOf(count), refresh_token: 'never-used' }),
    )
    const { clock, services, token } = createAt(server)
    const fhir = await services.context()
    clock.seconds = 300
    await token()
    for (const { form } of server.tokenRequests) {
      expect(form.get('grant_type')).toBe('client_credentials')
      expect(form.has('refresh_token')).toBe(false)
    }
    expect(inspect(fhir, { depth: 9 })).not.toContain('never-used')
  })
})

describe('when the token endpoint fails', () => {
  it('BSV-03 JWT-10 each try has a new assertion with a new jti: two tokens and a try that failed', async () => {
    const server = await startTokenServer((_request, response, count) =>
      count === 2 ? response.writeHead(503).end() : sendJson(response, grantOf(count)),
    )
    const { clock, token } = createAt(server)
    await token()
    clock.seconds = 300
    await failureOf(token)
    clock.seconds = 305
    expect(await token()).toBe('token-3')
    const claims = assertions(server).map((assertion) => assertion.claims)
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3)
    expect(claims.map(({ iat }) => Number(iat) - START / 1000)).toEqual([0, 300, 305])
  })

  it('BSV-11 a token that is still valid keeps serving, and many callers make one try', async () => {
    const server = await startTokenServer((_request, response, count) =>
      count === 1 ? sendJson(response, grantOf(count)) : response.writeHead(500).end(),
    )
    const { clock, token } = createAt(server)
    await token()
    clock.seconds = 280
    for (let i = 0; i < 100; i++) expect(await token()).toBe('token-1')
    await vi.waitFor(() => expect(server.tokenRequests).toHaveLength(2), PATIENCE)
    for (let i = 0; i < 100; i++) expect(await token()).toBe('token-1')
    clock.seconds = 284.9
    for (let i = 0; i < 100; i++) expect(await token()).toBe('token-1')
    expect(server.tokenRequests).toHaveLength(2)
    clock.seconds = 300
    expect((await failureOf(token)).code).toBe('token_request_refused')
  })

  it.each([429, 503])(
    'BSV-11 Retry-After of a %i is honoured, and told to each caller as what is left of it',
    async (status) => {
      const server = await startTokenServer((_request, response, count) =>
        count === 1 ? response.writeHead(status, { 'retry-after': '120' }).end() : sendJson(response, grantOf(count)),
      )
      const { clock, token } = createAt(server)
      for (const seconds of [0, 5, 60, 119.9]) {
        clock.seconds = seconds
        expect(await failureOf(token)).toMatchObject({
          code: 'token_request_refused',
          retryAfterSeconds: Math.ceil(120 - seconds),
        })
      }
      expect(server.tokenRequests).toHaveLength(1)
      clock.seconds = 120
      expect(await token()).toBe('token-2')
    },
  )

  it.each([400, 401])('BSV-12 a refused assertion is known by its error, with status %i too', async (status) => {
    const server = await startTokenServer((_, response) => sendJson(response, { error: 'invalid_client' }, status))
    const failure = await failureOf(createAt(server).token)
    expect(failure).toMatchObject({ code: 'token_request_refused', error: 'invalid_client' })
    expect(failure.message).toContain('"key-1" (ES384)')
  })

  it('BSV-02 a server without a token endpoint is a failed discovery, remembered briefly', async () => {
    const server = await startServer((_request, response) => void response.writeHead(404).end())
    const { clock, token } = createAt({ fhirBaseUrl: server.origin })
    const failures = await Promise.all(Array.from({ length: 50 }, () => failureOf(token)))
    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['discovery_failed']))
    expect(server.requests).toHaveLength(2)
    clock.seconds = 5
    await failureOf(token)
    expect(server.requests).toHaveLength(4)
  })

  it('contextFor rejects, and never throws', async () => {
    const { services } = createAt(
      { fhirBaseUrl: 'https://ehr.example.com' },
      { fetch: () => Promise.reject(new Error()) },
    )
    const request = { method: 'GET', url: '/', header: () => undefined }
    const pending = services.contextFor(request)
    expect(pending).toBeInstanceOf(Promise)
    expect((await failureOf(() => pending)).code).toBe('discovery_failed')
  })
})

describe('scopes', () => {
  it.each([undefined, '', '  '])('BSV-01 a scope that is %j is refused at construction', async (scope) => {
    const failure = await failureOf(() => createAt({ fhirBaseUrl: 'https://ehr.example.com' }, { scope }))
    expect(failure.code).toBe('invalid_option')
    expect(failure.message).toContain("'system/Patient.rs'")
  })

  it('BSV-01 an empty scope for one use is refused, and nothing sent', async () => {
    const server = await startTokenServer()
    const { services } = createAt(server)
    expect((await failureOf(() => services.context({ scope: ' ' }))).code).toBe('invalid_option')
    expect(server.requests).toEqual([])
  })

  it('BSV-04 scopes of a user or patient are passed on: the server decides', async () => {
    const scope = 'user/Patient.rs patient/Observation.rs'
    const server = await startTokenServer()
    await createAt(server, { scope }).token()
    expect(server.tokenRequests[0]?.form.get('scope')).toBe(scope)
  })
})

describe('withScope', () => {
  const request = { method: 'GET', url: '/.well-known/jwks.json', header: () => undefined }

  it('BSV-08 gives a backend of the same keys and tokens, with other scopes, that can be mounted as well', async () => {
    const server = await startTokenServer()
    const { services } = createAt(server, { scope: 'system/Patient.rs' })
    const groups = services.withScope('system/Group.rs')
    expect(groups.kind).toBe('backend')
    expect((await groups.contextFor(request))?.accessToken).toBe('token-1')
    expect((await groups.context()).accessToken).toBe('token-1')
    expect((await services.context({ scope: 'system/Group.rs' })).accessToken).toBe('token-1')
    expect((await services.withScope('system/Group.rs').context()).accessToken).toBe('token-1')
    expect((await services.context()).accessToken).toBe('token-2')
    expect((await groups.context({ scope: 'system/Patient.rs' })).accessToken).toBe('token-2')
    expect(server.tokenRequests.map(({ form }) => form.get('scope'))).toEqual(['system/Group.rs', 'system/Patient.rs'])
    expect(server.discoveryRequests).toHaveLength(1)
  })

  it('JWKS-02 leaves the JWKS where it is, so that no path exists twice', async () => {
    const { services } = createAt(await startTokenServer())
    const groups = services.withScope('system/Group.rs')
    expect([groups.paths, groups.handles(request.url)]).toEqual([[], false])
    expect([services.paths, services.handles(request.url)]).toEqual([['/.well-known/jwks.json'], true])
  })

  it('BSV-01 refuses an empty scope', async () => {
    const { services } = createAt(await startTokenServer())
    expect((await failureOf(() => services.withScope(' '))).code).toBe('invalid_option')
  })
})

it('BSV-08 a renewal in the background is handed to a runtime that ends with the answer', async () => {
  const { clock, services } = createAt(await startTokenServer())
  await services.context()
  clock.seconds = 280
  const works: Promise<unknown>[] = []
  const waitUntil = (work: Promise<unknown>) => void works.push(work)
  const held = await services.contextFor({ method: 'GET', url: '/', header: () => undefined, waitUntil })
  expect(held?.accessToken).toBe('token-1')
  await Promise.all(works)
  expect(works).toHaveLength(1)
  expect((await services.context()).accessToken).toBe('token-2')
})

it('AUTH-J1 when the server says invalid_client, the key that signed for it is named, not another of the set', async () => {
  const refuse = startTokenServer((_, response) => sendJson(response, { error: 'invalid_client' }, 401), {
    token_endpoint_auth_signing_alg_values_supported: ['RS384'],
  })
  const both = await loadKeySet({
    keys: [
      { ...ecJwk(), kid: 'ec' },
      { ...rsaJwk(), kid: 'rsa' },
    ],
  })
  const { message } = await failureOf(createAt(await refuse, { keys: both }).token)
  expect(message).toContain('"rsa" (RS384)')
  expect(message).not.toContain('"ec"')
})

describe('the FHIR server', () => {
  /** A FHIR server that answers what the test says, beside a token endpoint. */
  async function startFhir(statusFor: (count: number, token: string) => number) {
    const tokens: string[] = []
    const fhir = await startServer((request, response) => {
      if (request.url === '/.well-known/smart-configuration') {
        return sendJson(response, { token_endpoint: server.tokenEndpoint })
      }
      const token = String(request.headers.authorization)
      response.writeHead(statusFor(tokens.push(token), token)).end('{}')
    })
    const server = await startTokenServer()
    const { services } = createAt({ fhirBaseUrl: fhir.origin })
    return { fhir, server, tokens, services }
  }

  it('BSV-09 a second 401 is given to the caller: no loop', async () => {
    const { server, tokens, services } = await startFhir(() => 401)
    expect((await (await services.context()).fetch('Patient')).status).toBe(401)
    expect(tokens).toEqual(['Bearer token-1', 'Bearer token-2'])
    expect(server.tokenRequests).toHaveLength(2)
  })

  it('BSV-09 when it refuses every token, a hundred calls cost two tokens, and each gets its 401', async () => {
    const { server, services } = await startFhir(() => 401)
    const context = await services.context()
    for (let i = 0; i < 100; i++) expect((await context.fetch('Patient')).status).toBe(401)
    expect(server.tokenRequests).toHaveLength(2)
  })

  it('BSV-09 a 403 is given to the caller, with no new token', async () => {
    const { server, services } = await startFhir(() => 403)
    expect((await (await services.context()).fetch('Patient')).status).toBe(403)
    expect(server.tokenRequests).toHaveLength(1)
  })

  it('BSV-09 fifty requests refused at once get one new token between them', async () => {
    const { server, services } = await startFhir((_count, token) => (token === 'Bearer token-1' ? 401 : 200))
    const context = await services.context()
    const responses = await Promise.all(Array.from({ length: 50 }, () => context.fetch('Patient')))
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]))
    expect(server.tokenRequests).toHaveLength(2)
  })

  it('BSV-09 a text body is replayed, a stream is not', async () => {
    const { server, fhir, services } = await startFhir((count) => (count === 2 ? 200 : 401))
    const context = await services.context()
    expect((await context.fetch('Patient', { method: 'POST', body: '{"a":1}' })).status).toBe(200)
    const posted = fhir.requests.filter(({ method }) => method === 'POST')
    expect(posted.map(({ body }) => body)).toEqual(['{"a":1}', '{"a":1}'])
    const init = { method: 'POST', body: new Blob(['{}']).stream(), duplex: 'half' } as RequestInit
    expect((await context.fetch('Patient', init)).status).toBe(401)
    expect(server.tokenRequests).toHaveLength(2)
  })
})

describe('two registrations', () => {
  it('BSV-08 with keys and servers of their own never mix', async () => {
    const [one, two] = [await startTokenServer(grantAs('one')), await startTokenServer(grantAs('two'))]
    const otherKeys = await loadKeySet({ ...rsaJwk(), kid: 'key-2' })
    const services = createBackendServices({
      scope: SCOPE,
      registrations: [
        { fhirBaseUrl: one.fhirBaseUrl, clientId: 'job-one', clientAuth: privateKeyJwt(keys) },
        { fhirBaseUrl: two.fhirBaseUrl, clientId: 'job-two', clientAuth: privateKeyJwt(otherKeys) },
      ],
    })
    const targets = Array.from({ length: 40 }, (_, i) => (i % 2 ? two : one))
    const contexts = await Promise.all(targets.map(({ fhirBaseUrl }) => services.context({ fhirBaseUrl })))
    for (const [i, context] of contexts.entries()) {
      expect(context.fhirBaseUrl).toBe(targets[i]?.fhirBaseUrl)
      expect(context.accessToken).toBe(targets[i] === one ? 'one-1' : 'two-1')
      await context.fetch('Patient')
    }
    for (const [server, name, kid] of [
      [one, 'one', 'key-1'],
      [two, 'two', 'key-2'],
    ] as const) {
      expect(server.tokenRequests).toHaveLength(1)
      expect(server.discoveryRequests).toHaveLength(1)
      const [assertion] = assertions(server)
      expect(assertion?.header.kid).toBe(kid)
      expect(assertion?.claims).toMatchObject({ iss: `job-${name}`, sub: `job-${name}`, aud: server.tokenEndpoint })
      const seen = new Set(server.requestsTo('/fhir/Patient').map(({ headers }) => headers.authorization))
      expect(seen).toEqual(new Set([`Bearer ${name}-1`]))
    }
  })

  it('BSV-08 a request must say which one it means', async () => {
    const registration = { clientId: 'job', scope: SCOPE }
    const registrations = ['https://one.example.com', 'https://two.example.com'].map((fhirBaseUrl) => ({
      ...registration,
      fhirBaseUrl,
    }))
    const services = createBackendServices({ registrations, keys })
    const failure = await failureOf(() => services.context())
    expect(failure.code).toBe('unknown_issuer')
    expect(failure.message).toContain('context({ fhirBaseUrl })')
    expect((await failureOf(() => services.context({ fhirBaseUrl: 'https://three.example.com' }))).status).toBe(500)
  })

  it('BSV-08 they may come from a function, which is asked for each use; the token is shared all the same', async () => {
    const server = await startTokenServer()
    const { fhirBaseUrl } = server
    const state = { scope: SCOPE }
    const registrations = async () => ({ fhirBaseUrl, clientId: 'job', scope: state.scope })
    const services = createBackendServices({ registrations, keys })
    const token = async () => (await services.context({ fhirBaseUrl })).accessToken
    expect([await token(), await token()]).toEqual(['token-1', 'token-1'])
    state.scope = 'system/Group.rs'
    expect(await token()).toBe('token-2')
    expect(server.tokenRequests[1]?.form.get('scope')).toBe('system/Group.rs')
  })
})

function grantAs(name: string): Parameters<typeof startTokenServer>[0] {
  return (_request, response, count) => sendJson(response, { ...grantOf(count), access_token: `${name}-${count}` })
}

it('JWT-08 with the issuer as audience, discovery finds it, even where the token endpoint is configured', async () => {
  const server: TokenServer = await startTokenServer(undefined, {
    get issuer() {
      return server.fhirBaseUrl
    },
  })
  const dialect = smart({ assertion: { audience: 'issuer' } })
  await createAt(server, { dialect, metadata: { token_endpoint: server.tokenEndpoint } }).token()
  expect(assertions(server)[0]?.claims.aud).toBe(server.fhirBaseUrl)
})

it('JWT-14 a machine whose clock is ten minutes slow is put right by `now`', async () => {
  const server = await startTokenServer()
  const machine = () => START - 600_000
  await createAt(server, { now: () => machine() + 600_000 }).token()
  expect(assertions(server)[0]?.claims).toMatchObject({ iat: START / 1000, exp: START / 1000 + 240 })
})

it.each([
  [{ keys: undefined }, /keys is undefined\. Write keys: await loadKeySet/],
  [{ keys: {} }, /keys must be a key set/],
  [{ jwksPath: 'keys.json' }, /jwksPath must be a path/],
  [{ jwksPath: '//evil' }, /jwksPath must be a path/],
  [{ jwksMaxAgeSeconds: 0 }, /jwksMaxAgeSeconds must be a positive number/],
  [{ sharedTokens: { store: new Map(), secret: 'x' } }, /sharedTokens\.store has no method swap/],
  [{ sharedTokens: { store: createMapStore(), secret: undefined } }, /sharedTokens\.secret is not set/],
  [{ sharedTokens: { store: createMapStore(), secret: 'short' } }, /sharedTokens\.secret is too weak/],
  [{ sharedTokens: { stores: createMapStore() } }, /unknown option "stores"\. Did you mean "store"/],
  [{ timeoutSeconds: Number.NaN }, /timeoutSeconds must be a positive number/],
  [{ redirectUri: 'https://x' }, /unknown option "redirectUri"/],
  [{ scopes: 'x' }, /unknown option "scopes"\. Did you mean "scope"/],
])('options are checked at construction: %j', async (options, message) => {
  const create = () => createAt({ fhirBaseUrl: 'https://ehr.example.com' }, options as BackendServicesOptions)
  const failure = await failureOf(create)
  expect(failure.code).toBe('invalid_option')
  expect(failure.message).toMatch(message)
})
