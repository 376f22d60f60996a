import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import { createSealer } from '../../src/launch/sealing.ts'
import { sealedStore } from '../../src/launch/stores/sealed-store.ts'
import type { SessionRecord } from '../../src/launch/stores/session-store.ts'
import { failureOf } from '../support/failure-of.ts'
import { launchRecord } from '../support/launch-record.ts'
import { createMapStore } from '../support/map-store.ts'
import { newSecret } from '../support/portal-world.ts'

const session = (expiresAt: number): SessionRecord => ({ launches: [launchRecord()], expiresAt })

describe('the memory store', () => {
  it('keeps a session until its end and not longer', () => {
    let now = 0
    const store = memoryStore({ now: () => now })
    store.set('a', session(1000))
    now = 999
    expect(store.get('a')).toEqual(session(1000))
    now = 1000
    expect(store.get('a')).toBeUndefined()
    expect(store.size).toBe(0)
  })

  it('drops the oldest session beyond its bound', () => {
    const store = memoryStore({ maxSessions: 3, now: () => 0 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) store.set(id, session(1000))
    expect(['a', 'b', 'c', 'd', 'e'].filter((id) => store.get(id))).toEqual(['c', 'd', 'e'])
    store.set('c', session(2000))
    expect(store.size).toBe(3)
  })

  it('sweeps what has expired as new sessions come, so that it does not grow', () => {
    let now = 0
    const store = memoryStore({ now: () => now })
    for (let i = 0; i < 1000; i++) store.set(`old ${i}`, session(1000))
    now = 2000
    for (let i = 0; i < 300; i++) store.set(`new ${i}`, session(9000))
    expect(store.size).toBe(300)
  })

  it('STATE-03 lets one caller claim a key, until its time is over or it is given back', () => {
    let now = 0
    const store = memoryStore({ now: () => now })
    expect([store.claim('a', 10), store.claim('a', 10), store.claim('b', 10)]).toEqual([true, false, true])
    now = 9_999
    expect(store.claim('a', 10)).toBe(false)
    now = 10_000
    expect(store.claim('a', 10)).toBe(true)
    store.delete('a')
    expect(store.claim('a', 10)).toBe(true)
  })

  it('names the option that is wrong', async () => {
    expect((await failureOf(() => memoryStore({ maxSessions: 0 }))).message).toContain('maxSessions')
    // @ts-expect-error misspelt
    expect((await failureOf(() => memoryStore({ maxSession: 5 }))).message).toContain('Did you mean "maxSessions"?')
  })
})

describe('the sealed store', () => {
  const seal = (inner = createMapStore(), secrets = [newSecret()], now = () => 0) => ({
    inner,
    secrets,
    store: sealedStore(inner, secrets, now),
  })

  it('gives back what it was given', async () => {
    const { store } = seal()
    await store.set('an-id', session(60_000))
    expect(await store.get('an-id')).toEqual(session(60_000))
    await store.delete('an-id')
    expect(await store.get('an-id')).toBeUndefined()
  })

  it('RFR-09 SEC-04 shows the store neither ids nor tokens, but how long to keep them', async () => {
    const { inner, store } = seal()
    await store.set('an-id-of-a-session', session(60_000))
    await store.get('an-id-of-a-session')
    await store.claim('login a-state', 5)
    await store.delete('an-id-of-a-session')
    const seen = JSON.stringify(inner.calls)
    const decoded = seen.replace(/[\w-]{8,}/g, (part) => Buffer.from(part, 'base64url').toString('latin1'))
    for (const secret of ['an-id-of-a-session', 'the-access-token', 'the-refresh-token', 'a-state', 'the-patient']) {
      expect(seen).not.toContain(secret)
      expect(decoded).not.toContain(secret)
    }
    expect(inner.calls[0]?.[3]).toBe('60')
    expect(inner.calls[2]?.[2]).toBe('5')
  })

  it('RFR-09 does not open a value moved to the key of another session', async () => {
    const { inner, store } = seal()
    await store.set('mine', session(60_000))
    await store.set('theirs', session(60_000))
    const [mine, theirs] = [...inner.values.keys()]
    inner.values.set(mine!, inner.values.get(theirs!)!)
    expect(await store.get('mine')).toBeUndefined()
    expect(await store.get('theirs')).toBeDefined()
  })

  it.each([
    ['changed', (value: string) => value.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))],
    ['cut', (value: string) => value.slice(0, -10)],
    ['in plain text', () => JSON.stringify({ id: 'mine', record: session(60_000) })],
    ['empty', () => ''],
  ])('RFR-09 does not open a value that is %s', async (_, tamper) => {
    const { inner, store } = seal()
    await store.set('mine', session(60_000))
    for (const [key, value] of inner.values) inner.values.set(key, tamper(value))
    expect(await store.get('mine')).toBeUndefined()
  })

  it('RFR-09 rotates its secret by a list: the first seals, all open, others do not', async () => {
    const [old, next] = [newSecret(), newSecret()]
    const { inner, store } = seal(createMapStore(), [old])
    await store.set('before', session(60_000))
    const rotated = seal(inner, [next, old]).store
    expect(await rotated.get('before')).toBeDefined()
    await rotated.set('after', session(60_000))
    const afterwards = seal(inner, [next]).store
    expect(await afterwards.get('after')).toBeDefined()
    expect(await afterwards.get('before')).toBeUndefined()
    expect(await store.get('after')).toBeUndefined()
  })

  it('seals the same session differently each time, and for one purpose only', async () => {
    const { inner, secrets, store } = seal()
    await store.set('a', session(60_000))
    const [first] = [...inner.values.values()]
    await store.set('a', session(60_000))
    const [second] = [...inner.values.values()]
    expect(second).not.toBe(first)
    expect(await createSealer(secrets, 'login').open(first!)).toBeUndefined()
  })

  it('does not give out a session that has ended, should the store have kept it', async () => {
    let now = 0
    const { store } = seal(createMapStore(), [newSecret()], () => now)
    await store.set('a', session(60_000))
    now = 60_000
    expect(await store.get('a')).toBeUndefined()
  })

  it('says when the store fails, with the reason as cause', async () => {
    const reason = new Error('connection lost')
    const fails = () => Promise.reject(reason)
    const store = sealedStore({ get: fails, set: fails, delete: fails, claim: fails }, [newSecret()], () => 0)
    const calls = [() => store.get('a'), () => store.set('a', session(1)), () => store.delete('a')]
    for (const call of [...calls, () => store.claim('a', 1)]) {
      expect(await failureOf(call)).toMatchObject({ code: 'session_store_failed', status: 503, cause: reason })
    }
  })
})
