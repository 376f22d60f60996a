import { expect, it, vi } from 'vitest'
import type { DiscoveryTarget } from '../../src/discovery/discover.ts'
import { MetadataCache } from '../../src/discovery/metadata-cache.ts'
import { smart } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { startServer } from '../support/http-server.ts'
import { sendJson } from '../support/token-server.ts'

const NEEDED = ['token_endpoint'] as const
const START = Date.UTC(2026, 0, 1)

const targetAt = (fhirBaseUrl: string, metadata = {}): DiscoveryTarget => ({
  fhirBaseUrl,
  discovery: smart().discovery,
  metadata,
})

/** A server whose documents name the number of the request, and a cache with a clock to set. */
async function startCached(cacheControl?: string) {
  const state = { down: false, status: 503 }
  const server = await startServer((_request, response) => {
    if (state.down) response.writeHead(state.status).end()
    else {
      const headers = cacheControl === undefined ? {} : { 'cache-control': cacheControl }
      sendJson(response, { token_endpoint: `${server.origin}/token/${server.requests.length}` }, 200, headers)
    }
  })
  const clock = { seconds: 0 }
  const cache = new MetadataCache({}, () => START + clock.seconds * 1000)
  const get = async (metadata = {}) => {
    const { token_endpoint } = await cache.get(targetAt(server.origin, metadata), NEEDED)
    return Number(token_endpoint?.split('/').at(-1))
  }
  return { server, state, clock, cache, get }
}

it('DISC-13 a hundred callers at once make one request', async () => {
  const { server, get } = await startCached()
  await Promise.all(Array.from({ length: 100 }, () => get()))
  expect(server.requests).toHaveLength(1)
})

it.each([
  ['its max-age', 'max-age=600', 600],
  ['an hour where it says nothing', undefined, 3600],
  ['at least a minute', 'no-store', 60],
  ['at least a minute', 'max-age=1', 60],
  ['at most a day', 'max-age=31536000', 24 * 3600],
])('DISC-13 a document is kept for %s (%s: %i s)', async (_name, cacheControl, seconds) => {
  const { clock, get } = await startCached(cacheControl)
  expect(await get()).toBe(1)
  clock.seconds = seconds - 1
  expect(await get()).toBe(1)
  clock.seconds = seconds
  expect(await get()).toBe(2)
})

it('DISC-13 the last good document is served while a refetch fails, which is tried again at intervals', async () => {
  const { server, state, clock, get } = await startCached('max-age=60')
  expect(await get()).toBe(1)
  state.down = true
  clock.seconds = 60
  for (let i = 0; i < 10; i++) expect(await get()).toBe(1)
  // smart-configuration and metadata, once each
  expect(server.requests).toHaveLength(3)
  clock.seconds = 65
  expect(await get()).toBe(1)
  expect(server.requests).toHaveLength(5)
  state.down = false
  clock.seconds = 70
  expect(await get()).toBe(6)
})

it('DISC-13 a failure is remembered for five seconds, and no longer', async () => {
  const { server, state, clock, get } = await startCached()
  state.down = true
  await Promise.all(Array.from({ length: 20 }, () => failureOf(() => get())))
  expect(server.requests).toHaveLength(2)
  state.down = false
  clock.seconds = 4
  expect((await failureOf(() => get())).code).toBe('discovery_failed')
  expect(server.requests).toHaveLength(2)
  clock.seconds = 5
  expect(await get()).toBe(3)
})

it('DISC-13 two servers, and two configurations of one, never share an entry', async () => {
  const one = await startCached()
  const two = await startServer((_request, response) =>
    sendJson(response, { token_endpoint: 'https://two.example.com' }),
  )
  const first = await one.cache.get(targetAt(one.server.origin), NEEDED)
  const second = await one.cache.get(targetAt(two.origin), NEEDED)
  const configured = await one.cache.get(targetAt(one.server.origin, { issuer: 'https://issuer.example.com' }), NEEDED)
  expect(first.token_endpoint).toBe(`${one.server.origin}/token/1`)
  expect(second.token_endpoint).toBe('https://two.example.com')
  expect(configured.issuer).toBe('https://issuer.example.com')
  expect(first.issuer).toBeUndefined()
})

it('DISC-13 callers that come during a refetch wait for it, and start no other', async () => {
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const server = await startServer(async (_request, response) => {
    await gate
    sendJson(response, { token_endpoint: `${server.origin}/token` })
  })
  const cache = new MetadataCache({}, () => START)
  const early = cache.get(targetAt(server.origin), NEEDED)
  await vi.waitFor(() => expect(server.requests).toHaveLength(1), { timeout: 10_000 })
  const late = cache.get(targetAt(server.origin), NEEDED)
  release()
  expect(await early).toBe(await late)
  expect(server.requests).toHaveLength(1)
})

it('DISC-13 what is found while smart-configuration is away lives briefly, and never replaces what it said before', async () => {
  const state = { down: false }
  const server = await startServer((request, response) => {
    const endpoint = (name: string) => `${server.origin}/${name}`
    if (request.url === '/metadata') {
      const uris = [{ url: 'token', valueUri: endpoint('poorer') }]
      const url = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'
      sendJson(response, { rest: [{ security: { extension: [{ url, extension: uris }] } }] })
    } else if (state.down) response.writeHead(503).end()
    else sendJson(response, { token_endpoint: endpoint('better') }, 200, { 'cache-control': 'max-age=60' })
  })
  const clock = { seconds: 0 }
  const tokenEndpointBy = async (cache: MetadataCache) =>
    (await cache.get(targetAt(server.origin), NEEDED)).token_endpoint?.split('/').at(-1)
  const known = new MetadataCache({}, () => START + clock.seconds * 1000)
  expect(await tokenEndpointBy(known)).toBe('better')
  state.down = true
  clock.seconds = 61
  expect(await tokenEndpointBy(known)).toBe('better')
  const fresh = new MetadataCache({}, () => START + clock.seconds * 1000)
  expect(await tokenEndpointBy(fresh)).toBe('poorer')
  state.down = false
  clock.seconds += 61
  expect([await tokenEndpointBy(known), await tokenEndpointBy(fresh)]).toEqual(['better', 'better'])
})
