import { describe, expect, it } from 'vitest'
import { createSealer } from '../../src/launch/sealing.ts'
import { SealedStore } from '../../src/launch/stores/sealed-store.ts'
import { failureOf } from '../support/failure-of.ts'
import { sessionRecord } from '../support/launch-record.ts'
import { createMapStore } from '../support/map-store.ts'
import { newSecret } from '../support/portal-world.ts'

describe('the sealed store', () => {
  const seal = (inner = createMapStore(), secrets = [newSecret()], now = () => 0) => ({
    inner,
    secrets,
    store: new SealedStore(inner, { secrets, timeoutSeconds: 2, now, onFailure: () => {} }),
  })

  it('gives back what it was given', async () => {
    const { store } = seal()
    await store.set('an-id', sessionRecord(60_000))
    expect(await store.get('an-id')).toEqual(sessionRecord(60_000))
    await store.delete('an-id')
    expect(await store.get('an-id')).toBeUndefined()
  })

  it('RFR-09 SEC-04 shows the store neither ids nor tokens, but how long to keep them', async () => {
    const { inner, store } = seal()
    await store.set('an-id-of-a-session', sessionRecord(60_000))
    await store.get('an-id-of-a-session')
    await store.claim('login a-state', 'the-owner', 5)
    await store.delete('an-id-of-a-session')
    const seen = JSON.stringify(inner.calls)
    const decoded = seen.replace(/[\w-]{8,}/g, (part) => Buffer.from(part, 'base64url').toString('latin1'))
    for (const secret of [
      'an-id-of-a-session',
      'the-access-token',
      'the-refresh-token',
      'a-state',
      'the-owner',
      'the-patient',
    ]) {
      expect(seen).not.toContain(secret)
      expect(decoded).not.toContain(secret)
    }
    expect(inner.calls[0]?.[3]).toBe('60')
    expect(inner.calls[2]?.[4]).toBe('5')
  })

  it('RFR-09 does not open a value moved to the key of another session', async () => {
    const { inner, store } = seal()
    await store.set('mine', sessionRecord(60_000))
    await store.set('theirs', sessionRecord(60_000))
    const [mine, theirs] = [...inner.values.keys()]
    inner.values.set(mine!, inner.values.get(theirs!)!)
    expect(await store.get('mine')).toBeUndefined()
    expect(await store.get('theirs')).toBeDefined()
  })

  it.each([
    ['changed', (value: string) => value.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))],
    ['cut', (value: string) => value.slice(0, -10)],
    ['in plain text', () => JSON.stringify({ id: 'mine', record: sessionRecord(60_000) })],
    ['empty', () => ''],
  ])('RFR-09 does not open a value that is %s', async (_, tamper) => {
    const { inner, store } = seal()
    await store.set('mine', sessionRecord(60_000))
    for (const [key, value] of inner.values) inner.values.set(key, tamper(value))
    expect(await store.get('mine')).toBeUndefined()
  })

  it('RFR-09 rotates its secret by a list: the first seals, all open, others do not', async () => {
    const [old, next] = [newSecret(), newSecret()]
    const { inner, store } = seal(createMapStore(), [old])
    await store.set('before', sessionRecord(60_000))
    const rotated = seal(inner, [next, old]).store
    expect(await rotated.get('before')).toBeDefined()
    await rotated.set('after', sessionRecord(60_000))
    const afterwards = seal(inner, [next]).store
    expect(await afterwards.get('after')).toBeDefined()
    expect(await afterwards.get('before')).toBeUndefined()
    expect(await store.get('after')).toBeUndefined()
  })

  it('seals the same session differently each time, and for one purpose only', async () => {
    const { inner, secrets, store } = seal()
    await store.set('a', sessionRecord(60_000))
    const [first] = [...inner.values.values()]
    await store.set('a', sessionRecord(60_000))
    const [second] = [...inner.values.values()]
    expect(second).not.toBe(first)
    expect(await createSealer(secrets, 'login').open(first!)).toBeUndefined()
  })

  it('does not give out a session that has ended, should the store have kept it', async () => {
    let now = 0
    const { store } = seal(createMapStore(), [newSecret()], () => now)
    await store.set('a', sessionRecord(60_000))
    now = 60_000
    expect(await store.get('a')).toBeUndefined()
  })

  it('says when the store fails, with the reason as cause', async () => {
    const reason = new Error('connection lost')
    const fails = () => Promise.reject(reason)
    const inner = { get: fails, set: fails, swap: fails, delete: fails }
    const told: unknown[] = []
    const onFailure = (error: unknown) => void told.push(error)
    const store = new SealedStore(inner, { secrets: [newSecret()], timeoutSeconds: 2, now: () => 0, onFailure })
    const calls = [() => store.get('a'), () => store.set('a', sessionRecord(1)), () => store.delete('a')]
    for (const call of [...calls, () => store.claim('a', 'me', 1), () => store.release('a', 'me')]) {
      expect(await failureOf(call)).toMatchObject({ code: 'session_store_failed', status: 503, cause: reason })
    }
  })
})
