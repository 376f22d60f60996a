import { generateKeyPairSync } from 'node:crypto'
import { startNodeApp, Visitor } from '@fhir-auth/conformance'
import { createBackendServices, type FhirAuthEvent, loadKeySet, type Store } from '@fhir-auth/core'
import { clientSecretBasic, requireFhir, smartLaunch } from '@fhir-auth/express'
import { createSandbox } from '@fhir-auth/sandbox'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fhirAuthTelemetry } from '../src/index.ts'
import { inMemoryTelemetry } from './in-memory-telemetry.ts'

const MINUTES = 60_000

async function startPortal() {
  let ahead = 0
  const now = () => Date.now() + ahead
  const telemetry = inMemoryTelemetry(now)
  const sandbox = await createSandbox()
  const clientSecret = crypto.randomUUID()
  const { origin, close } = await startNodeApp((origin) => {
    sandbox.registerClient({ clientId: 'portal', clientSecret, redirectUris: [`${origin}/callback`] })
    const launch = smartLaunch({
      fhirBaseUrl: sandbox.fhirBaseUrl,
      clientId: 'portal',
      clientAuth: clientSecretBasic(clientSecret),
      redirectUri: `${origin}/callback`,
      scope: 'openid fhirUser launch/patient patient/*.rs offline_access',
      session: { secret: crypto.randomUUID() + crypto.randomUUID() },
      onEvent: telemetry.onEvent,
      now,
    })
    return express()
      .use(launch)
      .get('/patient', requireFhir(), (req, res) => void res.json({ patient: req.fhir?.patient }))
  })
  onTestFinished(async () => {
    await close()
    await sandbox.close()
  })
  const advanceMinutes = (minutes: number) => {
    ahead += minutes * MINUTES
  }
  return { telemetry, sandbox, origin, browser: new Visitor(origin), advanceMinutes }
}

describe('a login and what follows', () => {
  it('makes a span of each step, with server, client and outcome', async () => {
    const { telemetry, sandbox, browser } = await startPortal()
    await browser.logIn()
    const server = { 'server.address': '127.0.0.1', 'server.port': Number(new URL(sandbox.fhirBaseUrl).port) }
    const shown = telemetry.spans().map(({ name, attributes, kind }) => ({ name, attributes, kind }))
    const own = { ...server, 'fhir_auth.client.id': 'portal', 'fhir_auth.launch.kind': 'standalone' }
    const answered = { 'http.response.status_code': 200 }
    expect(shown).toEqual([
      { name: 'fhir_auth.discovery', kind: 2, attributes: expect.objectContaining({ ...server, ...answered }) },
      { name: 'fhir_auth.login', kind: 0, attributes: own },
      {
        name: 'fhir_auth.token_request',
        kind: 2,
        attributes: {
          ...{ ...server, ...answered, 'url.full': `${sandbox.issuer}/token`, 'http.request.method': 'POST' },
          'fhir_auth.grant_type': 'authorization_code',
        },
      },
      { name: 'fhir_auth.jwks', kind: 2, attributes: expect.objectContaining({ ...server, ...answered }) },
      { name: 'fhir_auth.callback', kind: 0, attributes: { ...own, 'fhir_auth.launch.id': expect.any(String) } },
    ])
    for (const { duration } of telemetry.spans()) expect(duration[0] * 1e9 + duration[1]).toBeGreaterThan(0)
  })

  it('counts logins and refreshes, by error code where they failed', async () => {
    const { telemetry, sandbox, browser, advanceMinutes } = await startPortal()
    await browser.logIn()
    await browser.ask('/callback?code=x&state=unknown')
    sandbox.fault({ at: 'token', kind: 'status', status: 503, times: 1 })
    advanceMinutes(10)
    expect((await browser.ask('/patient')).status).toBe(503)
    advanceMinutes(1)
    expect((await browser.ask('/patient')).status).toBe(200)
    await browser.logOut()
    const points = await telemetry.points()
    const counted = (name: string) =>
      points
        .filter((point) => point.name === `fhir_auth.${name}`)
        .map(({ attributes, value }) => [attributes['error.type'] ?? attributes['fhir_auth.end.reason'] ?? 'ok', value])
    expect(counted('logins.started')).toEqual([['ok', 1]])
    expect(counted('logins')).toEqual([
      ['ok', 1],
      ['state_mismatch', 1],
    ])
    expect(counted('refreshes')).toEqual([
      ['token_request_refused', 1],
      ['ok', 1],
    ])
    expect(counted('launches.ended')).toEqual([['logout', 1]])
    const failed = telemetry.spans().find(({ name, status }) => name === 'fhir_auth.refresh' && status.code === 2)
    expect(failed?.status.message).toBe('token_request_refused')
    expect(points.find(({ name }) => name === 'fhir_auth.request.duration')?.unit).toBe('s')
  })

  it('never shows a patient, whom each login names', async () => {
    const { telemetry, browser } = await startPortal()
    await browser.logIn()
    const { patient } = (await browser.ask('/patient')).json<{ patient: string }>()
    expect(patient.length).toBeGreaterThan(3)
    expect(await telemetry.text()).not.toContain(patient)
  })
})

it('a span lies below the one that is active, such as that of the HTTP request', async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  onTestFinished(() => context.disable())
  const telemetry = inMemoryTelemetry()
  const parent = telemetry.tracerProvider.getTracer('app').startSpan('GET /callback')
  context.with(trace.setSpan(context.active(), parent), () => telemetry.onEvent(refresh()))
  parent.end()
  const [span] = telemetry.spans()
  expect(span?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId)
})

it('a backend token shows how long it still lives, until it has ended', async () => {
  let now = Date.now()
  const telemetry = inMemoryTelemetry(() => now)
  const sandbox = await createSandbox()
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const named = { kid: 'job', alg: 'ES384' }
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), ...named }] }
  sandbox.registerClient({ clientId: 'job', jwks })
  onTestFinished(() => sandbox.close())
  const backend = createBackendServices({
    fhirBaseUrl: sandbox.fhirBaseUrl,
    clientId: 'job',
    keys: await loadKeySet({ ...privateKey.export({ format: 'jwk' }), ...named }),
    scope: 'system/Patient.rs',
    onEvent: telemetry.onEvent,
  })
  await backend.context()
  const remaining = async () => {
    const points = (await telemetry.points()).filter(({ name }) => name === 'fhir_auth.token.remaining')
    return points.map(({ value, attributes }) => [value, attributes['fhir_auth.scope']])
  }
  const [[seconds, scope] = []] = await remaining()
  expect(scope).toBe('system/Patient.rs')
  expect(seconds).toBeGreaterThan(60)
  now += 3600_000
  expect(await remaining()).toEqual([[0, 'system/Patient.rs']])
  const place = { fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'job', scope: 'system/Patient.rs' }
  telemetry.onEvent({ type: 'token_taken', ...place, expiresAt: now + 5000 })
  expect(await remaining()).toEqual([[5, 'system/Patient.rs']])
})

it('a watched store does as it did, and its calls are timed by operation and failure', async () => {
  const telemetry = inMemoryTelemetry()
  const calls: unknown[] = []
  const inner: Store = {
    get: async (...args) => void calls.push(['get', ...args]),
    set: async (...args) => void calls.push(['set', ...args]),
    swap: async (...args) => calls.push(['swap', ...args]) > 0,
    delete: () => Promise.reject(new TypeError('password=secret')),
  }
  const store = telemetry.watchStore(inner, 'postgresql')
  expect(await store.get('a')).toBeUndefined()
  await store.set('a', 'b', 1)
  expect(await store.swap('a', undefined, 'c', 2)).toBe(true)
  await expect(store.delete('a', 'c')).rejects.toThrow('password=secret')
  expect(calls).toEqual([
    ['get', 'a'],
    ['set', 'a', 'b', 1],
    ['swap', 'a', undefined, 'c', 2],
  ])
  const system = { 'db.system.name': 'postgresql' }
  expect((await telemetry.points()).map(({ name, attributes }) => [name, attributes])).toEqual([
    ['fhir_auth.store.duration', { ...system, 'db.operation.name': 'get' }],
    ['fhir_auth.store.duration', { ...system, 'db.operation.name': 'set' }],
    ['fhir_auth.store.duration', { ...system, 'db.operation.name': 'swap' }],
    ['fhir_auth.store.duration', { ...system, 'db.operation.name': 'delete', 'error.type': 'TypeError' }],
  ])
  expect(await telemetry.text()).not.toContain('password')
})

it('without an SDK nothing happens, and nothing breaks', () => {
  const { onEvent } = fhirAuthTelemetry()
  expect(() => onEvent(refresh())).not.toThrow()
})

function refresh(): FhirAuthEvent {
  return {
    type: 'refresh',
    fhirBaseUrl: 'https://fhir.example.org/r4',
    clientId: 'portal',
    launchId: 'l',
    durationMs: 12,
  }
}
