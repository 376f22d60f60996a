import { setImmediate } from 'node:timers/promises'
import { beforeAll, expect, it, vi } from 'vitest'
import { createBackendServices, loadKeySet } from '../../src/index.ts'
import { ecJwk, type PrivateTestJwk, readJwt } from '../support/signing-jwks.ts'
import { startTokenServer } from '../support/token-server.ts'

let [a, b]: PrivateTestJwk[] = []
beforeAll(() => {
  ;[a, b] = ['a', 'b'].map((kid) => ({ ...ecJwk('P-256'), kid }))
})

/** A key set whose source the test changes, and a clock that begins where the machine's is. */
async function createSource(reloadSeconds?: number) {
  const state = { content: { keys: [a] } as unknown, failure: undefined as unknown, reads: 0, begin: Date.now() }
  const keys = await loadKeySet(
    async () => {
      state.reads++
      if (state.failure !== undefined) throw state.failure
      return state.content
    },
    { reloadSeconds },
  )
  const kids = (now: number) => keys.publicJwks(now).keys.map(({ kid }) => kid)
  return { state, keys, kids }
}

it('JWKS-06 a set that is loaded from a function follows it, without a restart', async () => {
  const { state, keys, kids } = await createSource()
  state.content = { keys: [a, b] }
  expect(keys.refresh(state.begin + 59_000)).toBeUndefined()
  expect(kids(state.begin)).toEqual(['a'])
  await keys.refresh(state.begin + 61_000)
  expect(kids(state.begin)).toEqual(['a', 'b'])
  expect(state.reads).toBe(2)
  expect(keys.refresh(state.begin + 62_000)).toBeUndefined()
})

it('JWKS-06 a thousand that need the keys at once read them once, and each gets the new ones', async () => {
  const { state, keys, kids } = await createSource(10)
  state.content = { keys: [a, b] }
  const seen = Array.from({ length: 1000 }, async () => {
    await keys.refresh(state.begin + 11_000)
    return kids(state.begin)
  })
  expect(new Set((await Promise.all(seen)).map(String))).toEqual(new Set(['a,b']))
  expect(state.reads).toBe(2)
})

it('JWKS-06 a source that fails, or returns no key, leaves the set as it is, and the failure says so', async () => {
  const { state, keys, kids } = await createSource()
  for (const [index, content] of [undefined, { keys: [] }, 'no key', { keys: [a, a] }].entries()) {
    state.content = content
    await keys.refresh(state.begin + (index + 1) * 61_000)
    expect(keys.failure?.code).toBe('invalid_key')
    expect(kids(state.begin)).toEqual(['a'])
  }
  state.failure = new Error('the vault is sealed')
  await keys.refresh(state.begin + 10 * 61_000)
  expect(keys.failure?.cause).toBe(state.failure)
  expect(keys.signingKey().kid).toBe('a')
  state.failure = undefined
  state.content = { keys: [b] }
  await keys.refresh(state.begin + 11 * 61_000)
  expect(keys.failure).toBeUndefined()
  expect(kids(state.begin)).toEqual(['b'])
})

it('JWKS-06 a source that hangs delays nobody for long, and its late result is ignored', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    let answerLate = (_content: unknown) => {}
    const contents: unknown[] = [{ keys: [a] }, new Promise((resolve) => (answerLate = resolve)), { keys: [a, b] }]
    const keys = await loadKeySet(() => contents.shift())
    const begin = Date.now()
    const waiting = keys.refresh(begin + 61_000)
    vi.advanceTimersByTime(5000)
    await waiting
    await keys.refresh(begin + 122_000)
    answerLate({ keys: [a] })
    for (let i = 0; i < 20; i++) await setImmediate()
    expect(keys.publicJwks().keys.map(({ kid }) => kid)).toEqual(['a', 'b'])
  } finally {
    vi.useRealTimers()
  }
})

it('JWKS-06 signing and publishing read it again by themselves', async () => {
  const { state, keys } = await createSource()
  const clock = { now: state.begin }
  const server = await startTokenServer()
  const services = createBackendServices({
    ...{ fhirBaseUrl: server.fhirBaseUrl, clientId: 'job', scope: 'system/Patient.rs', keys },
    now: () => clock.now,
  })
  state.content = { keys: [b, a] }
  clock.now += 61_000
  const { body } = await services.answer({ method: 'GET', url: '/.well-known/jwks.json', header: () => undefined })
  expect(JSON.parse(body).keys.map(({ kid }: { kid: string }) => kid)).toEqual(['b', 'a'])
  state.content = { keys: [a, b] }
  clock.now += 61_000
  await services.context()
  expect(readJwt(server.tokenRequests[0]?.form.get('client_assertion')).header.kid).toBe('a')
})
