import { describe, expect, it } from 'vitest'
import { type BackendServices, createBackendServices, loadKeySet } from '../src/index.ts'
import { countWork } from './support/counted-work.ts'
import { loggedIn, requestWith } from './support/live-session.ts'
import { createMapStore } from './support/map-store.ts'
import { ecJwk } from './support/signing-jwks.ts'
import { startTokenServer, type TokenServer } from './support/token-server.ts'

// Counts that no machine changes. What they cost in time is in docs/performance.md.

const NOTHING_MADE = { promises: 0, cryptoCalls: 0, webObjects: 0 }

describe('a request with a live session', () => {
  it('makes no promise, no cryptography and no object of the platform, with sessions in memory', async () => {
    const { launch, cookie } = await loggedIn()
    const { asked, request } = requestWith(cookie)
    const context = await launch.contextFor(request)
    asked.length = 0
    const { result, ...made } = countWork(() => [launch.contextFor(request), launch.contextFor(request)])
    expect(result).toEqual([context, context])
    expect(result[0]).toBe(context)
    expect(made).toEqual(NOTHING_MADE)
    expect([...new Set(asked)]).toEqual(['cookie', 'fhir-launch-id', 'referer'])
    expect(asked).toHaveLength(6)
  })

  it('looks at the clock once', async () => {
    let looks = 0
    const now = () => {
      looks++
      return Date.now()
    }
    const { launch, cookie } = await loggedIn({}, now)
    const { request } = requestWith(cookie)
    looks = 0
    await launch.contextFor(request)
    expect(looks).toBe(1)
  })

  it('is one round trip with a shared store, and no cryptography while the session is unchanged', async () => {
    const store = createMapStore()
    const { launch, cookie } = await loggedIn({ store })
    const { request } = requestWith(cookie)
    const context = await launch.contextFor(request)
    store.calls.length = 0
    const { result, cryptoCalls, webObjects } = countWork(() => launch.contextFor(request))
    expect(await result).toBe(context)
    expect(store.calls.map(([name]) => name)).toEqual(['get'])
    expect({ cryptoCalls, webObjects }).toEqual({ cryptoCalls: 0, webObjects: 0 })
  })
})

describe('a request without a session', () => {
  it.each([
    ['no cookie', undefined],
    ['other cookies', 'theme=dark; fhir-auth.session-of-another=1'],
    ['a session that is not known', '__Host-fhir-auth.session=unknown'],
  ])('makes nothing: %s', async (_, cookie) => {
    const { launch } = await loggedIn()
    const { request } = requestWith(cookie)
    const { result, ...made } = countWork(() => launch.contextFor(request))
    expect(result).toBeUndefined()
    expect(made).toEqual(NOTHING_MADE)
  })
})

describe('a backend token', () => {
  it('is read with no promise, no cryptography and no request while it is cached', async () => {
    const server = await startTokenServer()
    const backend = await backendAt(server)
    const context = await backend.context()
    const { result, ...made } = countWork(() => [backend.context(), backend.contextFor(requestWith(undefined).request)])
    expect(result[0]).toBe(context)
    expect(result[1]).toBe(context)
    expect(made).toEqual(NOTHING_MADE)
    expect(server.requests).toHaveLength(2)
  })

  it('takes one discovery and one token request for ten thousand callers at once', async () => {
    const server = await startTokenServer()
    const backend = await backendAt(server)
    const contexts = await Promise.all(Array.from({ length: 10_000 }, async () => backend.context()))
    expect(new Set(contexts).size).toBe(1)
    expect(server.discoveryRequests).toHaveLength(1)
    expect(server.tokenRequests).toHaveLength(1)
  })
})

async function backendAt({ fhirBaseUrl }: TokenServer): Promise<BackendServices> {
  const keys = await loadKeySet(JSON.stringify({ keys: [{ ...ecJwk(), alg: 'ES384', kid: 'key', use: 'sig' }] }))
  return createBackendServices({ fhirBaseUrl, clientId: 'job', scope: 'system/Patient.rs', keys })
}
