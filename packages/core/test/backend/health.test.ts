import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { type BackendServicesOptions, createBackendServices, loadKeySet } from '../../src/index.ts'
import type { AnyBackendOptions } from '../support/any-options.ts'
import { createMapStore } from '../support/map-store.ts'
import { newSecret } from '../support/portal-world.ts'
import { startSandbox } from '../support/registered-client.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const named = { kid: 'job', alg: 'ES384' }
const moment: number = expect.any(Number)

async function startJob(options: AnyBackendOptions = {}, times: Record<string, string> = {}) {
  const sandbox = await startSandbox()
  sandbox.registerClient({ clientId: 'job', jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), ...named }] } })
  let offset = 0
  const own = {
    fhirBaseUrl: sandbox.fhirBaseUrl,
    clientId: 'job',
    keys: await loadKeySet({ ...privateKey.export({ format: 'jwk' }), ...named, ...times }),
    scope: 'system/Patient.rs',
    now: () => Date.now() + offset,
    ...options,
  } as BackendServicesOptions // complete
  const place = { fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'job', scope: 'system/Patient.rs' }
  const advanceSeconds = (seconds: number) => {
    offset += seconds * 1000
  }
  return { sandbox, own, place, backend: createBackendServices(own), advanceSeconds }
}

describe('backend.health()', () => {
  it('knows the keys at the start, and sends no request', async () => {
    const { backend, sandbox } = await startJob()
    const { keys, ...health } = backend.health()
    expect(health).toEqual({ isHealthy: true, tokens: [], store: {}, keysFailure: undefined })
    expect(keys).toMatchObject([{ kid: 'job', alg: 'ES384', state: 'active' }])
    expect(sandbox.requests).toEqual([])
  })

  it('tells when each token ends, and is unhealthy once one has ended and its renewal fails', async () => {
    const { backend, sandbox, place, advanceSeconds } = await startJob()
    const { expiresAt } = await backend.context()
    expect(backend.health().tokens).toEqual([{ ...place, expiresAt, lastSuccessAt: moment }])
    sandbox.fault({ at: 'token', kind: 'status', status: 503 })
    // Due, and still good.
    advanceSeconds(290)
    await backend.context()
    await backend.idle()
    const lastFailure = expect.objectContaining({ code: 'token_request_refused' })
    const failing = { ...place, expiresAt, lastSuccessAt: moment, lastFailureAt: moment, lastFailure }
    expect(backend.health()).toMatchObject({ isHealthy: true, tokens: [failing] })
    advanceSeconds(30)
    expect(backend.health().isHealthy).toBe(false)
  })

  it('a probe gets a token where there is none, and never rejects', async () => {
    const { backend, sandbox, advanceSeconds } = await startJob()
    sandbox.fault({ at: 'token', kind: 'status', status: 401, body: '{"error":"invalid_client"}', times: 1 })
    expect(await backend.probe()).toMatchObject({
      isHealthy: false,
      tokens: [{ lastFailure: { code: 'token_request_refused', error: 'invalid_client' } }],
    })
    advanceSeconds(6)
    expect(await backend.probe()).toMatchObject({ isHealthy: true, tokens: [{ lastSuccessAt: moment }] })
    const asked = sandbox.requestsTo('/token').length
    await backend.probe()
    expect(sandbox.requestsTo('/token')).toHaveLength(asked)
  })

  it('is unhealthy while no key may sign', async () => {
    const { backend } = await startJob({}, { signFrom: '2999-01-01T00:00:00Z' })
    expect(backend.health()).toMatchObject({ isHealthy: false, keys: [{ state: 'next' }] })
  })

  it('counts a token of another process, and emits a separate event for it', async () => {
    const sharedTokens = { store: createMapStore(), secret: newSecret() }
    const { backend, own, place } = await startJob({ sharedTokens })
    await backend.context()
    const types: string[] = []
    const other = createBackendServices({ ...own, onEvent: ({ type }) => void types.push(type) })
    const { expiresAt } = await other.context()
    expect(types).toEqual(['token_taken'])
    expect(other.health().tokens).toEqual([{ ...place, expiresAt, lastSuccessAt: moment }])
  })
})

it('backend.idle() waits for the token request under way', async () => {
  const { backend, sandbox } = await startJob()
  await backend.idle()
  sandbox.fault({ at: 'token', kind: 'slow', seconds: 0.5, times: 1 })
  const context = Promise.resolve(backend.context())
  await vi.waitFor(() => expect(sandbox.requestsTo('/token')).toHaveLength(1))
  expect(backend.health().tokens).toEqual([])
  await backend.idle()
  expect(backend.health().tokens).toHaveLength(1)
  await context
})
