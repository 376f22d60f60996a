import { setTimeout } from 'node:timers/promises'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type BackendServices,
  type BackendServicesOptions,
  createBackendServices,
  type KeySet,
  loadKeySet,
  type Store,
} from '../../src/index.ts'
import type { AnyBackendOptions } from '../support/any-options.ts'
import { createMapStore } from '../support/map-store.ts'
import { ecJwk } from '../support/signing-jwks.ts'
import { grantOf, sendJson, startTokenServer, type TokenServer } from '../support/token-server.ts'

const START = Date.UTC(2026, 0, 1)
const SECRET = 'a secret of the app that only its own processes know'
const PATIENCE = { timeout: 10_000 }
let keys: KeySet
beforeAll(async () => {
  keys = await loadKeySet(ecJwk('P-256'))
})

/** Instances that share nothing but the store, as processes do; with one clock to set. */
function createProcesses(count: number, server: TokenServer, store: Store, options: AnyBackendOptions = {}) {
  const clock = { seconds: 0 }
  const now = () => START + clock.seconds * 1000
  const { fhirBaseUrl } = server
  const processes = Array.from({ length: count }, () =>
    createBackendServices({
      ...{ fhirBaseUrl, clientId: 'job', keys, scope: 'system/Patient.rs', now },
      sharedTokens: { store, secret: SECRET },
      ...options,
    } as BackendServicesOptions),
  )
  return { clock, processes }
}

const tokenOf = async (services: BackendServices) => (await services.context()).accessToken
const allTokens = async (processes: BackendServices[], callers: number) =>
  new Set(await Promise.all(processes.flatMap((services) => Array.from({ length: callers }, () => tokenOf(services)))))

it('BSV-08 eight processes, cold, with a thousand callers each, make one token request', async () => {
  const server = await startTokenServer(async (_request, response, count) => {
    await setTimeout(100)
    sendJson(response, grantOf(count))
  })
  const { processes } = createProcesses(8, server, createMapStore())
  expect(await allTokens(processes, 1000)).toEqual(new Set(['token-1']))
  expect(server.tokenRequests).toHaveLength(1)
})

it('BSV-08 then they make one renewal per period, in the background', async () => {
  const server = await startTokenServer()
  const { clock, processes } = createProcesses(8, server, createMapStore())
  await allTokens(processes, 10)
  for (let period = 1; period <= 5; period++) {
    for (const second of [100, 200, 250, 262, 271, 280]) {
      clock.seconds = (period - 1) * 280 + second
      await allTokens(processes, 20)
      // Whatever goes on in the background.
      await setTimeout(60)
    }
    await vi.waitFor(
      async () => expect(await allTokens(processes, 1)).toEqual(new Set([`token-${period + 1}`])),
      PATIENCE,
    )
    expect(server.tokenRequests.length).toBe(period + 1)
  }
})

it('BSV-08 a process that starts later takes the token that is there', async () => {
  const server = await startTokenServer()
  const store = createMapStore()
  const { processes } = createProcesses(1, server, store)
  await allTokens(processes, 1)
  const [late] = createProcesses(1, server, store).processes
  const context = await late?.context()
  expect(context?.accessToken).toBe('token-1')
  expect(context?.expiresAt).toBe(START + 300_000)
  expect(context?.scope.covers('system/Patient.rs')).toBe(true)
  expect(server.requests).toHaveLength(2)
})

it('BSV-08 a token that another process got between the look and the lock is taken', async () => {
  const server = await startTokenServer()
  const store = createMapStore()
  const [first] = createProcesses(1, server, store).processes
  const swap: Store['swap'] = async (...call) => {
    await first?.context()
    return store.swap(...call)
  }
  const [second] = createProcesses(1, server, { ...store, swap }).processes
  expect((await second?.context())?.accessToken).toBe('token-1')
  expect(server.tokenRequests).toHaveLength(1)
})

it('BSV-09 a refused token is replaced once for all, and never taken from the store again', async () => {
  const server = await startTokenServer()
  const fetchWithout =
    (refused: Set<string>): typeof fetch =>
    async (url, init) => {
      const token = new Headers(init?.headers).get('authorization')?.split(' ')[1] ?? ''
      return refused.has(token) ? new Response('{}', { status: 401 }) : fetch(url, init)
    }
  const refused = new Set<string>()
  const { processes } = createProcesses(4, server, createMapStore(), { fetch: fetchWithout(refused) })
  const contexts = await Promise.all(processes.map((services) => services.context()))
  refused.add('token-1')
  const responses = await Promise.all(contexts.map((fhir) => fhir.fetch('Patient')))
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect(await allTokens(processes, 1)).toEqual(new Set(['token-2']))
  expect(server.tokenRequests).toHaveLength(2)
})

it('BSV-08 tokens of other scopes, clients and servers never mix', async () => {
  const [server, other] = [await startTokenServer(), await startTokenServer()]
  const store = createMapStore()
  const [one] = createProcesses(1, server, store).processes
  const [two] = createProcesses(1, server, store, { clientId: 'another' }).processes
  const [three] = createProcesses(1, other, store).processes
  expect((await one?.context())?.accessToken).toBe('token-1')
  expect((await one?.context({ scope: 'system/Group.rs' }))?.accessToken).toBe('token-2')
  expect((await two?.context())?.accessToken).toBe('token-3')
  expect(other.tokenRequests).toHaveLength(0)
  expect((await three?.context())?.accessToken).toBe('token-1')
  expect(other.tokenRequests).toHaveLength(1)
})

describe('the store', () => {
  it('BSV-08 learns no token, server, client or scope, and a value copied to another name does not count', async () => {
    const server = await startTokenServer()
    const store = createMapStore()
    const clientId = 'a client id of its own'
    const [services] = createProcesses(1, server, store, { clientId }).processes
    await services?.context()
    const seen = JSON.stringify([...store.values, ...store.calls])
    for (const text of ['token-1', server.fhirBaseUrl, clientId, 'system/Patient.rs']) expect(seen).not.toContain(text)
    await services?.context({ scope: 'system/Group.rs' })
    const [[, first = ''] = [], [second = ''] = []] = [...store.values]
    store.values.set(second, first)
    const [late] = createProcesses(1, server, store, { clientId }).processes
    expect((await late?.context({ scope: 'system/Group.rs' }))?.accessToken).toBe('token-3')
  })

  it('BSV-08 sealed with another secret is of no use, and does no harm', async () => {
    const server = await startTokenServer()
    const store = createMapStore()
    const secrets = { old: `${SECRET} (old)`, new: `${SECRET} (new)` }
    const withSecret = (secret: string | string[]) =>
      createProcesses(1, server, store, { sharedTokens: { store, secret } }).processes
    expect(await allTokens(withSecret(secrets.old), 1)).toEqual(new Set(['token-1']))
    expect(await allTokens(withSecret([secrets.new, secrets.old]), 1)).toEqual(new Set(['token-1']))
    expect(await allTokens(withSecret(secrets.new), 1)).toEqual(new Set(['token-2']))
  })

  it('BSV-08 that fails costs the sharing, not the tokens', async () => {
    const server = await startTokenServer()
    const fail = () => Promise.reject(new Error('connection lost'))
    const { processes } = createProcesses(3, server, { get: fail, set: fail, swap: fail, delete: fail })
    expect((await allTokens(processes, 100)).size).toBe(3)
    expect(server.tokenRequests).toHaveLength(3)
  })

  it('BSV-08 that hangs delays nobody for longer than the time limit', async () => {
    const server = await startTokenServer()
    const hang = () => new Promise<never>(() => {})
    const store = { get: hang, set: hang, swap: hang, delete: hang }
    const { processes } = createProcesses(2, server, store, { timeoutSeconds: 0.3 })
    expect((await allTokens(processes, 10)).size).toBe(2)
  })

  it('BSV-08 whose lock is held by a dead process delays nobody for longer than the time limit', async () => {
    const server = await startTokenServer()
    const store = { ...createMapStore(), swap: async () => false }
    const { processes } = createProcesses(2, server, store, { timeoutSeconds: 0.3 })
    await allTokens(processes, 10)
    expect(server.tokenRequests.length).toBeLessThanOrEqual(2)
  })

  it('BSV-11 when the request fails the lock is given back, and the next one is made', async () => {
    const server = await startTokenServer((_request, response, count) =>
      count === 1 ? response.writeHead(500).end() : sendJson(response, grantOf(count)),
    )
    const { processes } = createProcesses(2, server, createMapStore())
    const results = await Promise.allSettled(processes.map(tokenOf))
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(server.tokenRequests).toHaveLength(2)
  })

  it('may be one for sessions', () => {
    const sessions: Store = createMapStore()
    const tokens: Store = sessions
    const back: Store = tokens
    expect(back).toBe(sessions)
  })
})
