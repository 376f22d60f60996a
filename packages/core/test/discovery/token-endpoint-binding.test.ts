import { describe, expect, it } from 'vitest'
import { createBackendServices, createSmartLaunch, loadKeySet, type Registration } from '../../src/index.ts'
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
