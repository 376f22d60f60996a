import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { TokenCache } from '../../src/backend/token-cache.ts'
import { FhirAuthError } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'

const START = Date.UTC(2026, 0, 1)

/** A cache with a clock to set and a server that is one function. */
function createCached(lifetimeSeconds = 300) {
  const state = { seconds: 0, requests: 0, failure: undefined as unknown, lifetimeSeconds, random: 0 }
  const now = () => START + state.seconds * 1000
  const cache = new TokenCache<{ accessToken: string }>(now, () => state.random)
  const outworn: (string | undefined)[] = []
  const request = vi.fn(async (old: string | undefined) => {
    outworn.push(old)
    const accessToken = `token-${++state.requests}`
    await setImmediate()
    if (state.failure !== undefined) throw state.failure
    return {
      token: { accessToken },
      expiresAt: now() + state.lifetimeSeconds * 1000,
      lifetimeSeconds: state.lifetimeSeconds,
    }
  })
  const get = (key = 'key') => cache.slot(key).get(request)
  const token = async (key = 'key') => (await get(key)).accessToken
  /** Moves the clock, and lets what goes on in the background finish. */
  const at = async (seconds: number) => {
    state.seconds = seconds
    await settle()
  }
  return { state, cache, get, token, at, outworn, request }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await setImmediate()
}

const refusal = (retryAfterSeconds?: number) =>
  new FhirAuthError('token_request_refused', 'The server answered 503.', { retryAfterSeconds })

it('BSV-08 a thousand callers at once make one request', async () => {
  const { state, token } = createCached()
  const tokens = await Promise.all(Array.from({ length: 1000 }, () => token()))
  expect(new Set(tokens)).toEqual(new Set(['token-1']))
  expect(state.requests).toBe(1)
})

it('BSV-08 a cached token is returned at once, without a promise', async () => {
  const { get, token } = createCached()
  await token()
  expect(get()).not.toBeInstanceOf(Promise)
})

it('BSV-08 tokens of different keys never mix', async () => {
  const { token } = createCached()
  expect(await Promise.all([token('a'), token('b'), token('a'), token('b')])).toEqual([
    ...['token-1', 'token-2', 'token-1', 'token-2'],
  ])
})

it('BSV-08 a token is renewed once in the last minute or tenth of its life, while it keeps serving', async () => {
  const { state, token, at } = createCached(300)
  await token()
  await at(269)
  expect(await token()).toBe('token-1')
  await settle()
  expect(state.requests).toBe(1)
  await at(270)
  const tokens = await Promise.all(Array.from({ length: 1000 }, () => token()))
  expect(new Set(tokens)).toEqual(new Set(['token-1']))
  await settle()
  expect(state.requests).toBe(2)
  expect(await token()).toBe('token-2')
})

it.each([
  [5, 4.4, 4.5, 4.9],
  [30, 26.9, 27, 29.4],
  [300, 269, 270, 295],
  [3600, 3539, 3540, 3595],
])(
  'BSV-06 BSV-08 a token of %i s is fresh at %d s, renewed in the background from %d s, unusable at %d s',
  async (lifetime, fresh, due, unusable) => {
    const { state, token, at } = createCached(lifetime)
    await token()
    for (let i = 0; i < 20; i++) expect(await token()).toBe('token-1')
    await at(fresh)
    await token()
    await settle()
    expect(state.requests).toBe(1)
    await at(due)
    expect(await token()).toBe('token-1')
    await settle()
    expect(state.requests).toBe(2)
    const other = createCached(lifetime)
    await other.token()
    await other.at(unusable - 0.01)
    other.state.failure = refusal()
    expect(await other.token()).toBe('token-1')
    await other.at(unusable)
    await failureOf(() => other.get())
  },
)

it('BSV-11 a token that is still valid keeps serving while its renewal fails, and failures do not hammer', async () => {
  const { state, token, at } = createCached(300)
  await token()
  state.failure = refusal()
  const tries: number[] = []
  for (let second = 260; second < 295; second++) {
    await at(second)
    const before = state.requests
    for (let i = 0; i < 50; i++) expect(await token()).toBe('token-1')
    await settle()
    if (state.requests > before) tries.push(second)
  }
  expect(tries).toEqual([270, 275, 280, 285, 290])
  expect(state.requests).toBe(6)
  state.failure = undefined
  await at(295)
  expect(await token()).toBe('token-7')
})

it('BSV-11 without a valid token the failure is given to all, and remembered for five seconds', async () => {
  const { state, token, at } = createCached()
  state.failure = refusal()
  const failures = await Promise.all(Array.from({ length: 100 }, () => failureOf(() => token())))
  expect(new Set(failures)).toEqual(new Set([state.failure]))
  expect(state.requests).toBe(1)
  await at(4.9)
  const { code, message } = state.failure as FhirAuthError
  expect(await failureOf(() => token())).toMatchObject({ code, message, retryAfterSeconds: 1 })
  expect(state.requests).toBe(1)
  state.failure = undefined
  await at(5)
  expect(await token()).toBe('token-2')
})

it.each([
  ['is honoured', 30, 30],
  ['of less than five seconds does not make it hammer', 0, 5],
  ['of a year does not stop it for longer than an hour', 365 * 24 * 3600, 3600],
])('BSV-11 Retry-After %s (%i s)', async (_name, retryAfterSeconds, pause) => {
  const { state, token, at } = createCached()
  state.failure = refusal(retryAfterSeconds)
  await failureOf(() => token())
  await at(pause - 0.1)
  await failureOf(() => token())
  expect(state.requests).toBe(1)
  await at(pause)
  await failureOf(() => token())
  expect(state.requests).toBe(2)
})

it('BSV-11 an error of another kind becomes one of the library, with its cause', async () => {
  const { state, token } = createCached()
  state.failure = new TypeError('a bug')
  const failure = await failureOf(() => token())
  expect(failure.code).toBe('token_unavailable')
  expect(failure.cause).toBe(state.failure)
})

it('BSV-09 a refused token is dropped only while it is the one held', async () => {
  const { state, cache, token } = createCached()
  expect(await token()).toBe('token-1')
  cache.slot('key').invalidate('token-1')
  expect(await token()).toBe('token-2')
  for (let i = 0; i < 10; i++) cache.slot('key').invalidate('token-1')
  cache.slot('unknown').invalidate('token-2')
  expect(await token()).toBe('token-2')
  expect(state.requests).toBe(2)
})

it('BSV-09 a token refused while its renewal runs is replaced by that renewal, not by another', async () => {
  const { state, cache, get, token, at } = createCached()
  await token()
  await at(280)
  expect(await get()).toMatchObject({ accessToken: 'token-1' })
  cache.slot('key').invalidate('token-1')
  expect(await Promise.all([token(), token()])).toEqual(['token-2', 'token-2'])
  expect(state.requests).toBe(2)
})

it.each([
  [300, 255],
  [30, 25.5],
  [3600, 3510],
])(
  'BSV-08 jitter spreads the renewals of processes that began together: a token of %i s is due from %d s',
  async (lifetime, earliest) => {
    const { state, token, at } = createCached(lifetime)
    state.random = 0.999_999
    await token()
    await at(earliest - 0.01)
    await token()
    await settle()
    expect(state.requests).toBe(1)
    await at(earliest + 0.01)
    expect(await token()).toBe('token-1')
    await settle()
    expect(state.requests).toBe(2)
  },
)

it('BSV-08 whatever the lifetime and the jitter, each token serves for most of its life', async () => {
  const lifetimes = fc.double({ min: 0.5, max: 1e8, noNaN: true })
  await fc.assert(
    fc.asyncProperty(lifetimes, fc.double({ min: 0, max: 0.999, noNaN: true }), async (lifetime, random) => {
      const { state, token, at } = createCached(lifetime)
      state.random = random
      const periods = 5
      const steps = 200
      for (let step = 0; step < steps; step++) {
        await at((step / steps) * periods * lifetime)
        await token()
      }
      expect(state.requests).toBeLessThanOrEqual(Math.ceil(periods / 0.85) + 1)
    }),
    { numRuns: 30 },
  )
})

it('BSV-08 the renewal in the background is handed to a runtime that would end it', async () => {
  const { state, cache, request, at, token } = createCached()
  await token()
  await at(280)
  const works: Promise<unknown>[] = []
  await cache.slot('key').get(request, (work) => void works.push(work))
  state.failure = refusal()
  expect(works).toHaveLength(1)
  await Promise.all(works)
  expect(state.requests).toBe(2)
})

it('BSV-08 a request is told which token it replaces: the one that is due, or was refused', async () => {
  const { cache, outworn, token, at } = createCached()
  await token()
  await at(280)
  await token()
  await settle()
  cache.slot('key').invalidate('token-2')
  await token()
  expect(outworn).toEqual([undefined, 'token-1', 'token-2'])
})

it('BSV-09 a FHIR server that refuses every token costs one token request in five seconds, not one per call', async () => {
  const { state, cache, token, at } = createCached(3600)
  for (let call = 0; call < 200; call++) {
    await at(call / 10)
    const held = await token()
    const may = cache.slot('key').invalidate(held)
    if (may) await token()
  }
  expect(state.requests).toBe(1 + 20 / 5)
})

it('BSV-09 a token that has worked for a while is replaced at once if it is refused', async () => {
  const { cache, token, at } = createCached()
  await token()
  expect(cache.slot('key').invalidate('token-1')).toBe(true)
  expect(await token()).toBe('token-2')
  await at(4.9)
  expect(cache.slot('key').invalidate('token-2')).toBe(false)
  expect(await token()).toBe('token-2')
  await at(5)
  expect(cache.slot('key').invalidate('token-2')).toBe(true)
  expect(await token()).toBe('token-3')
})
