import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EndpointOwner, TokenEndpointUsers } from '../../src/discovery/token-endpoint-binding.ts'
import { createBackendServices, createSmartLaunch, loadKeySet, type Registration, smart } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { startServer } from '../support/http-server.ts'
import { newSecret } from '../support/portal-world.ts'
import { ecJwk } from '../support/signing-jwks.ts'
import { sendJson } from '../support/token-server.ts'

/** An authorization server: it gives a token to everyone who asks. */
const startTokens = () =>
  startServer((_, response) => sendJson(response, { access_token: 'of-the-shared-endpoint', token_type: 'Bearer' }))

/** A FHIR server that names the token endpoint of `tokens`, or its own. */
const startFhir = (tokens?: { origin: string }) =>
  startServer((request, response) => {
    const own = `http://${request.headers.host}`
    const auth = tokens?.origin ?? own
    if (request.url === '/.well-known/smart-configuration') {
      sendJson(response, { authorization_endpoint: `${auth}/authorize`, token_endpoint: `${auth}/token` })
    } else if (request.url === '/token') {
      sendJson(response, { access_token: 'of-the-honest-server', token_type: 'Bearer' })
    } else {
      sendJson(response, { resourceType: 'Patient', id: 'p1' })
    }
  })

type Server = Awaited<ReturnType<typeof startServer>>
type Part = Partial<Registration>

const registered = ({ origin }: Server, part: Part = {}) => ({
  fhirBaseUrl: origin,
  clientId: 'one-app-at-all',
  scope: 'system/*.rs',
  ...part,
})
const backendOf = async (...registrations: ReturnType<typeof registered>[]) =>
  createBackendServices({ keys: await loadKeySet(ecJwk()), registrations })
const read = async (backend: Awaited<ReturnType<typeof backendOf>>, { origin }: Server) =>
  (await backend.context({ fhirBaseUrl: origin })).fetch('Patient/p1')

const credentialsAt = ({ requests }: Server) => requests.flatMap(({ headers }) => headers.authorization ?? [])
const honest: EndpointOwner = {
  fhirBaseUrl: 'https://fhir.honest.example/r4',
  clientId: 'one-app-at-all',
  metadata: {},
  discovery: smart().discovery,
}
const hostile = { ...honest, fhirBaseUrl: 'https://fhir.hostile.example/r4' }
const REFUSED = { code: 'discovery_failed', message: expect.stringContaining('metadata.token_endpoint') }

describe('a server that names the token endpoint of another one, where the app has the same client id', () => {
  it('gets no token of it, asked before the other one was', async () => {
    const honest = await startFhir()
    const hostile = await startFhir(honest)
    const backend = await backendOf(registered(hostile), registered(honest))
    expect(await failureOf(() => read(backend, hostile))).toMatchObject(REFUSED)
    expect(honest.requests).toEqual([])
    expect((await read(backend, honest)).status).toBe(200)
    expect(credentialsAt(hostile)).toEqual([])
  })

  it('gets none where the app has set the endpoint for the other one', async () => {
    const tokens = await startTokens()
    const honest = await startFhir(tokens)
    const hostile = await startFhir(tokens)
    const pinned = { metadata: { token_endpoint: `${tokens.origin}/token` } }
    const backend = await backendOf(registered(hostile), registered(honest, pinned))
    expect(await failureOf(() => read(backend, hostile))).toMatchObject(REFUSED)
    expect((await read(backend, honest)).status).toBe(200)
    expect(credentialsAt(hostile)).toEqual([])
  })

  it('gets none where the other one has used it before', async () => {
    const tokens = await startTokens()
    const honest = await startFhir(tokens)
    const hostile = await startFhir(tokens)
    const backend = await backendOf(registered(hostile), registered(honest))
    expect((await read(backend, honest)).status).toBe(200)
    expect(await failureOf(() => read(backend, hostile))).toMatchObject(REFUSED)
    expect(credentialsAt(hostile)).toEqual([])
  })

  it('gets none any more once the other one, found by a resolver, has asked for its own', async () => {
    const honest = await startFhir()
    const hostile = await startFhir(honest)
    const scopes = ['system/Patient.rs', 'system/Observation.rs']
    const keys = await loadKeySet(ecJwk())
    const backend = createBackendServices({
      keys,
      registrations: async (fhirBaseUrl) => registered(fhirBaseUrl === honest.origin ? honest : hostile),
    })
    const contextOf = ({ origin }: Server, scope: string) => backend.context({ fhirBaseUrl: origin, scope })
    await contextOf(honest, scopes[0]!)
    expect(await failureOf(() => contextOf(hostile, scopes[1]!))).toMatchObject(REFUSED)
    await contextOf(honest, scopes[1]!)
  })

  it('sends nobody there to log in', async () => {
    const honest = await startFhir()
    const hostile = await startFhir(honest)
    const launch = createSmartLaunch({
      registrations: [registered(hostile), registered(honest)].map((each) => ({ ...each, scope: 'launch/patient' })),
      redirectUri: 'http://127.0.0.1:1/callback',
      allowSharedRedirectUri: true,
      session: { secret: newSecret() },
    })
    const loginAt = ({ origin }: Server) =>
      launch.answer({ method: 'GET', url: `/login?iss=${encodeURIComponent(origin)}`, header: () => undefined })
    expect(await loginAt(hostile)).toMatchObject({ kind: 'problem', error: REFUSED })
    expect((await loginAt(honest)).kind).toBe('redirect')
  })
})

describe('the token endpoint of a server, by another spelling that the server may take for the same', () => {
  const refused = expect.objectContaining(REFUSED)

  it.each([
    'https://login.example/oauth/token?tenant=1',
    'https://login.example/oauth/token#x',
    'https://login.example/oauth/token/',
    'https://login.example//oauth/./token',
    'https://login.example/x/%2e%2e/oauth/token',
    'https://login.example/x/%252e%252e/oauth/token',
    'https://login.example/oauth/%74oken',
    'https://login.example/oauth/%2574oken',
    'https://login.example/oauth/Token',
    'https://login.example/oauth/token;v=1',
    'https://login.example/oauth;v=1\\token',
    'https://login.example./oauth/token',
    'https://LOGIN.example:443/oauth/token',
    'https://someone@login.example/oauth/token',
  ])('is refused: %s', (spelling) => {
    const endpoint = 'https://login.example/oauth/token'
    const used = new TokenEndpointUsers([], 10)
    used.check(honest, endpoint)
    expect(() => used.check(hostile, spelling)).toThrow(refused)
    const pinned = new TokenEndpointUsers([{ ...honest, metadata: { token_endpoint: endpoint } }], 10)
    expect(() => pinned.check(hostile, spelling)).toThrow(refused)
    expect(() => pinned.checkKept(hostile, spelling)).toThrow(refused)
  })

  it.each(['https://fhir.honest.example/oauth/token', 'https://fhir.honest.example./oauth/token'])(
    'is refused on the host of its FHIR base, also where the app has set another one: %s',
    (spelling) => {
      const listed = [honest, { ...honest, metadata: { token_endpoint: 'https://login.example/token' } }]
      for (const owner of listed) {
        expect(() => new TokenEndpointUsers([owner], 10).check(hostile, spelling)).toThrow(refused)
      }
    },
  )

  it('is that of another tenant, if its path differs', () => {
    const users = new TokenEndpointUsers([], 10)
    users.check(honest, 'https://login.example/honest/token')
    expect(() => users.check(hostile, 'https://login.example/other/token')).not.toThrow()
  })

  it('any endpoint is compared without an error', () => {
    fc.assert(
      fc.property(fc.webUrl({ withFragments: true, withQueryParameters: true }), (url) => {
        const users = new TokenEndpointUsers([], 10)
        users.check(honest, url)
        expect(() => users.check(hostile, url)).toThrow(refused)
      }),
    )
  })
})

describe('a login that began at the endpoint of another server, before that one was known', () => {
  it('gets no token of it any more, whatever its own server names now', () => {
    const users = new TokenEndpointUsers([], 10)
    const endpoint = 'https://fhir.honest.example/token'
    users.check(hostile, endpoint)
    expect(() => users.checkKept(hostile, endpoint)).not.toThrow()
    users.check(honest, endpoint)
    users.check(hostile, 'https://fhir.hostile.example/token')
    expect(() => users.checkKept(hostile, endpoint)).toThrow(expect.objectContaining(REFUSED))
    expect(() => users.checkKept(honest, endpoint)).not.toThrow()
  })

  it('goes on at an endpoint that both had before the app has set another one', () => {
    const pinned = { metadata: { token_endpoint: 'https://new-login.example/token' } }
    const moved = [
      { ...honest, ...pinned },
      { ...honest, fhirBaseUrl: 'https://fhir.second.example/r4', ...pinned },
    ]
    const users = new TokenEndpointUsers(moved, 10)
    for (const each of moved) {
      users.check(each, pinned.metadata.token_endpoint)
      expect(() => users.checkKept(each, 'https://old-login.example/token')).not.toThrow()
    }
  })
})

describe('FHIR servers that share a token endpoint', () => {
  it('may be of one host', async () => {
    const tokens = await startTokens()
    const fhir = await startServer((request, response) => {
      if (request.url?.endsWith('smart-configuration')) sendJson(response, { token_endpoint: `${tokens.origin}/token` })
      else sendJson(response, { resourceType: 'Patient' })
    })
    const tenants = ['one', 'two'].map((name) => ({ ...registered(fhir), fhirBaseUrl: `${fhir.origin}/${name}` }))
    const backend = await backendOf(...tenants)
    for (const { fhirBaseUrl } of tenants) await backend.context({ fhirBaseUrl })
  })

  it('may be of several hosts, where the app says so or its client ids differ', async () => {
    const tokens = await startTokens()
    const [first, second, third] = [await startFhir(tokens), await startFhir(tokens), await startFhir(tokens)]
    const pinned = { metadata: { token_endpoint: `${tokens.origin}/token` } }
    const backend = await backendOf(
      registered(first, pinned),
      registered(second, pinned),
      registered(third, { clientId: 'another-app' }),
    )
    for (const server of [third, first, second]) expect((await read(backend, server)).status).toBe(200)
  })
})
