import { describe, expect, it } from 'vitest'
import { discover, type NeededMember } from '../../src/discovery/discover.ts'
import { MetadataCache } from '../../src/discovery/metadata-cache.ts'
import { smart } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { startServer } from '../support/http-server.ts'
import { sendJson } from '../support/token-server.ts'

const NEEDED: NeededMember[] = ['authorization_endpoint', 'token_endpoint', 'issuer', 'jwks_uri']

/** A server with the given document at a path, once its origin is known. */
async function startDocument(path: string, documentOf: (origin: string) => object) {
  const server = await startServer((request, response) => {
    if (request.url === path) sendJson(response, documentOf(server.origin))
    else response.writeHead(404).end()
  })
  return server
}

const startIssuer = (documentOf = endpointsOf) =>
  startDocument('/.well-known/openid-configuration', (origin) => ({ issuer: origin, ...documentOf(origin) }))

const startFhir = (documentOf: (origin: string) => object) =>
  startDocument('/.well-known/smart-configuration', documentOf)

function endpointsOf(origin: string) {
  return {
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    jwks_uri: `${origin}/jwks`,
  }
}

const targetAt = (fhirBaseUrl: string, metadata = {}) => ({ fhirBaseUrl, discovery: smart().discovery, metadata })
const discoverAt = async (fhirBaseUrl: string, metadata = {}) =>
  (await discover(targetAt(fhirBaseUrl, metadata), NEEDED, {})).metadata

describe('an issuer that a server names', () => {
  it('counts where it is of the server’s own origin, without a request more', async () => {
    const fhir = await startFhir((origin) => ({ issuer: `${origin}/tenant`, ...endpointsOf(origin) }))
    expect((await discoverAt(fhir.origin)).issuer).toBe(`${fhir.origin}/tenant`)
    expect(fhir.requests).toHaveLength(1)
  })

  it('OpenID Connect Discovery §4.3: on another host it counts when its own document says the same, and then with its keys', async () => {
    const issuer = await startIssuer()
    const fhir = await startFhir((origin) => ({
      ...{ issuer: issuer.origin, ...endpointsOf(issuer.origin) },
      jwks_uri: `${origin}/keys-of-somebody`,
    }))
    expect(await discoverAt(fhir.origin)).toMatchObject({ issuer: issuer.origin, jwks_uri: `${issuer.origin}/jwks` })
  })

  it.each([
    ['whose token endpoint is the server’s own', (origin: string) => ({ token_endpoint: `${origin}/token` })],
    ['whose login page is the server’s own', (origin: string) => ({ authorization_endpoint: `${origin}/login` })],
  ])('RFC 8414 §3.3: does not count where it is another’s, %s', async (_name, ownOf) => {
    const issuer = await startIssuer()
    const fhir = await startFhir((origin) => ({
      ...{ issuer: issuer.origin, ...endpointsOf(issuer.origin), jwks_uri: `${origin}/keys` },
      ...ownOf(origin),
    }))
    const metadata = await discoverAt(fhir.origin)
    expect([metadata.issuer, metadata.unboundIssuer]).toEqual([undefined, issuer.origin])
  })

  it('whose own document names no endpoints counts for endpoints on its own host, and for no others', async () => {
    const issuer = await startIssuer((origin) => ({ jwks_uri: `${origin}/jwks` }) as ReturnType<typeof endpointsOf>)
    const fhir = await startFhir(() => ({ issuer: issuer.origin, ...endpointsOf(issuer.origin) }))
    expect((await discoverAt(fhir.origin)).issuer).toBe(issuer.origin)
    for (const name of ['authorization_endpoint', 'token_endpoint'] as const) {
      const hostile = await startFhir((origin) => ({
        ...{ issuer: issuer.origin, ...endpointsOf(issuer.origin) },
        [name]: endpointsOf(origin)[name],
      }))
      const metadata = await discoverAt(hostile.origin)
      expect([metadata.issuer, metadata.unboundIssuer]).toEqual([undefined, issuer.origin])
    }
  })

  it('does not count where it has no document, or one of another issuer', async () => {
    for (const documentOf of [undefined, () => ({ issuer: 'https://another.example' })]) {
      const issuer = documentOf
        ? await startIssuer(documentOf as never)
        : await startServer((_, response) => void response.writeHead(404).end())
      const fhir = await startFhir((origin) => ({ issuer: issuer.origin, ...endpointsOf(origin) }))
      expect((await discoverAt(fhir.origin)).issuer).toBeUndefined()
    }
  })

  it('counts if the app has set it, and sends no request', async () => {
    const issuer = await startIssuer()
    const fhir = await startFhir((origin) => ({ issuer: issuer.origin, ...endpointsOf(origin) }))
    expect((await discoverAt(fhir.origin, { issuer: issuer.origin })).issuer).toBe(issuer.origin)
    expect(issuer.requests).toEqual([])
  })
})

it('of two servers under one issuer with different endpoints the later one is refused, until the app pins them', async () => {
  const shared = await startServer((request, response) => {
    const tenant = request.url.split('/')[1]
    const endpoints = endpointsOf(`${shared.origin}/${tenant}`)
    sendJson(response, { issuer: shared.origin, ...endpoints })
  })
  const cache = new MetadataCache({}, Date.now)
  await cache.get(targetAt(`${shared.origin}/first`), NEEDED)
  const failure = await failureOf(() => cache.get(targetAt(`${shared.origin}/second`), NEEDED))
  expect(failure).toMatchObject({ code: 'discovery_failed', message: expect.stringContaining('metadata.issuer') })
  await cache.get(targetAt(`${shared.origin}/second`, { issuer: shared.origin }), NEEDED)
  await cache.get(targetAt(`${shared.origin}/first`), NEEDED)
})

it('a public server cannot send the app to its own machine or network: nothing of the document is used', async () => {
  const inner = await startIssuer()
  for (const url of [
    inner.origin,
    'https://127.0.0.1/x',
    'https://10.1.2.3/x',
    'https://[fd00::1]/x',
    'https://x.internal',
  ]) {
    const answer = { ...endpointsOf('https://auth.example'), issuer: inner.origin, token_endpoint: url }
    const http = {
      fetch: async (input: unknown) =>
        String(input).endsWith('smart-configuration') ? Response.json(answer) : new Response(null, { status: 404 }),
    }
    const target = targetAt('https://ehr.example/fhir')
    expect((await failureOf(() => discover(target, NEEDED, http))).message).toMatch(/private network|must be https/)
    if (url.startsWith('http:')) continue
    const allowed = { ...target, allowPrivateNetwork: true }
    expect((await discover(allowed, ['token_endpoint'], http)).metadata.token_endpoint).toBe(url)
  }
  expect(inner.requests).toEqual([])
})
