import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { AdapterRequest } from '../../src/adapter.ts'
import { createSmartLaunch, type SmartLaunch } from '../../src/index.ts'
import type { SessionRecord } from '../../src/session/record.ts'
import { SealedStore } from '../../src/store/sealed-store.ts'
import { launchRecord } from '../support/launch-record.ts'
import { createMapStore } from '../support/map-store.ts'
import { newSecret } from '../support/portal-world.ts'

// Whatever comes back from a browser or a store other than it went out is refused, and nothing crashes on it.

const RUNS = 10_000
let outgoing = 0

function startLaunch(): SmartLaunch {
  return createSmartLaunch({
    fhirBaseUrl: 'https://ehr.example/fhir',
    clientId: 'portal',
    redirectUri: 'https://portal.example/callback',
    scope: 'launch/patient patient/*.rs',
    session: { secret: newSecret() },
    metadata: {
      authorization_endpoint: 'https://auth.example/authorize',
      token_endpoint: 'https://auth.example/token',
    },
    fetch: async () => {
      outgoing++
      throw new Error('nothing is to be sent')
    },
  })
}

function get(url: string, cookie?: string): AdapterRequest {
  return { method: 'GET', url, header: (name) => (name === 'cookie' ? cookie : undefined) }
}

/** A login under way: its state, and name and value of its cookie. */
async function beginLogin(launch: SmartLaunch): Promise<{ state: string; name: string; sealed: string }> {
  const answer = await launch.answer(get('/login'))
  const [cookie = ''] = answer.cookies
  const [pair = ''] = cookie.split(';')
  const state = new URL(answer.headers.location ?? '').searchParams.get('state') ?? ''
  return { state, name: pair.slice(0, pair.indexOf('=')), sealed: pair.slice(pair.indexOf('=') + 1) }
}

/** The text changed, cut, extended, turned around, mixed with another one of its kind, or replaced altogether. */
function tampered(text: string, other: string): fc.Arbitrary<string> {
  const place = fc.nat(text.length - 1)
  const character = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.')
  const segments = text.split('.')
  return fc
    .oneof(
      fc.tuple(place, character).map(([at, to]) => text.slice(0, at) + to + text.slice(at + 1)),
      place.map((at) => text.slice(0, at)),
      place.map((at) => text.slice(at)),
      fc.tuple(place, fc.string()).map(([at, more]) => text.slice(0, at) + more + text.slice(at)),
      fc.shuffledSubarray(segments, { minLength: segments.length }).map((parts) => parts.join('.')),
      fc
        .nat(segments.length - 1)
        .map((at) => segments.map((part, i) => (i === at ? other.split('.')[i] : part)).join('.')),
      fc.tuple(place, place).map(([a, b]) => text.slice(0, a) + other.slice(b)),
      fc.string(),
      fc.constant(other),
    )
    .filter((result) => result !== text)
}

it(`SEC-02 STATE-02 refuses ${RUNS} login cookies that were tampered with, truncated or swapped`, {
  timeout: 120_000,
}, async () => {
  const launch = startLaunch()
  const mine = await beginLogin(launch)
  const other = await beginLogin(launch)
  await fc.assert(
    fc.asyncProperty(tampered(mine.sealed, other.sealed), async (sealed) => {
      const answer = await launch.answer(get(`/callback?code=c&state=${mine.state}`, `${mine.name}=${sealed}`))
      expect(answer.kind === 'problem' && answer.error.code).toBe('state_mismatch')
    }),
    { numRuns: RUNS },
  )
  expect(outgoing).toBe(0)
})

it(`RFR-09 opens none of ${RUNS} stored sessions that were tampered with, truncated or swapped`, {
  timeout: 120_000,
}, async () => {
  const store = createMapStore()
  const settings = { purpose: 'session', secrets: [newSecret()], timeoutSeconds: 5, now: Date.now, onFailure: () => {} }
  const session = { launches: [launchRecord({})], expiresAt: Date.now() + 1e6, endsAt: Date.now() + 1e6 }
  const writer = new SealedStore<SessionRecord>(store, settings)
  await writer.set('mine', session)
  await writer.set('other', session)
  const [[key = '', sealed = ''] = [], [, other = ''] = []] = [...store.values]
  await fc.assert(
    fc.asyncProperty(tampered(sealed, other), async (value) => {
      store.values.set(key, value)
      // A process that has not seen the session before: it opens what is there.
      expect(await new SealedStore<SessionRecord>(store, settings).get('mine')).toBeUndefined()
    }),
    { numRuns: RUNS },
  )
})

it('SEC-04 does not accept a session cookie that was never issued', async () => {
  const launch = startLaunch()
  await fc.assert(
    fc.asyncProperty(fc.string(), async (value) => {
      expect(await launch.contextFor(get('/', `__Host-fhir-auth.session=${value}`))).toBeUndefined()
    }),
    { numRuns: 2000 },
  )
})
