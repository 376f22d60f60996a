import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import { keepKnownLaunches, type SessionRecord } from '../../src/session/record.ts'
import { SealedStore } from '../../src/store/sealed-store.ts'
import { createSealer } from '../../src/store/sealing.ts'
import { failureOf } from '../support/failure-of.ts'
import { launchRecord, sessionRecord } from '../support/launch-record.ts'
import { createMapStore } from '../support/map-store.ts'
import { createNetworkStore } from '../support/network-store.ts'
import { newSecret } from '../support/portal-world.ts'

describe('the sealed store', () => {
  const seal = (inner = createMapStore(), secrets = [newSecret()], now = () => 0) => ({
    inner,
    secrets,
    store: new SealedStore<SessionRecord>(inner, {
      purpose: 'session',
      keepKnown: keepKnownLaunches,
      secrets,
      timeoutSeconds: 2,
      now,
      onFailure: () => {},
    }),
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

  it('RFR-09 opens one spelling of a value: base64url has several of the same bytes', async () => {
    const sealer = createSealer([newSecret()], 'session')
    const characters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ \n']
    for (const content of [{ id: 'a' }, { id: 'ab' }, { id: 'abc' }]) {
      const sealed = await sealer.seal(content)
      expect(await sealer.open(sealed)).toEqual(content)
      const parts = sealed.split('.')
      for (const [at, part] of parts.entries()) {
        const others = characters.filter((character) => character !== part.at(-1))
        const spellings = [...others.map((last) => part.slice(0, -1) + last), ...others.map((last) => part + last)]
        for (const spelling of spellings.filter((text) => text !== part)) {
          expect(
            await sealer.open(parts.map((other, index) => (index === at ? spelling : other)).join('.')),
          ).toBeUndefined()
        }
      }
    }
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
    const store = new SealedStore<SessionRecord>(inner, {
      purpose: 'session',
      keepKnown: keepKnownLaunches,
      secrets: [newSecret()],
      timeoutSeconds: 2,
      now: () => 0,
      onFailure,
    })
    const calls = [() => store.get('a'), () => store.set('a', sessionRecord(1)), () => store.delete('a')]
    for (const call of [...calls, () => store.claim('a', 'me', 1), () => store.release('a', 'me')]) {
      expect(await failureOf(call)).toMatchObject({ code: 'session_store_failed', status: 503, cause: reason })
    }
  })

  it('opens a session once, as long as it does not change', async () => {
    const { inner, secrets, store } = seal()
    await store.set('a', sessionRecord(60_000))
    const reader = seal(inner, secrets).store
    const first = await reader.get('a')
    expect(await reader.get('a')).toBe(first)
    await store.set('a', sessionRecord(60_000))
    expect(await reader.get('a')).not.toBe(first)
  })

  it('keeps the launches that did not change when it opens a session that did', async () => {
    const { inner, secrets, store } = seal()
    const [kept, old] = [launchRecord({ launchId: 'kept' }), launchRecord({ launchId: 'old' })]
    const session = { ...sessionRecord(60_000), launches: [kept, old] }
    await store.set('a', session)
    const reader = seal(inner, secrets).store
    const before = (await reader.get('a'))!.launches
    await store.set('a', { ...session, launches: [kept, { ...old, accessToken: 'newer' }], expiresAt: 70_000 })
    const after = (await reader.get('a'))!
    expect(after.expiresAt).toBe(70_000)
    expect(after.launches[0]).toBe(before[0])
    expect(after.launches[1]).toEqual({ ...before[1], accessToken: 'newer' })
  })

  it('returns values that cannot be changed', async () => {
    const { inner, secrets, store } = seal()
    await store.set('a', sessionRecord(60_000, { launch: { fhirContext: [{ role: 'launch' }] } }))
    const session = (await seal(inner, secrets).store.get('a'))!
    const parts = [session, session.launches, session.launches[0], session.launches[0]?.launch.fhirContext?.[0]]
    expect(parts.map((part) => Object.isFrozen(part))).toEqual([true, true, true, true])
  })

  it('RFR-04 replaces a session only where it still is as this process read it', async () => {
    const { inner, secrets, store: mine } = seal()
    const theirs = seal(inner, secrets).store
    await mine.set('a', sessionRecord(60_000))
    const [read, alsoRead] = [(await mine.get('a'))!, (await theirs.get('a'))!]
    expect(await mine.replace('a', read, sessionRecord(70_000))).toBe(true)
    expect(await theirs.replace('a', alsoRead, sessionRecord(80_000))).toBe(false)
    expect((await theirs.get('a'))?.expiresAt).toBe(70_000)
    // Nor what it has never read, or something else since.
    expect(await theirs.replace('b', alsoRead, sessionRecord(80_000))).toBe(false)
    expect(await theirs.replace('a', alsoRead, sessionRecord(80_000))).toBe(false)
  })

  it('recalls what it saw for a minute, and nothing that has ended or was removed', async () => {
    let now = 0
    const { store } = seal(createMapStore(), [newSecret()], () => now)
    expect(store.recall('a')).toBeUndefined()
    await store.set('a', sessionRecord(1_000_000))
    await store.set('short', sessionRecord(30_000))
    await store.set('removed', sessionRecord(1_000_000))
    await store.delete('removed')
    now = 30_000
    expect(['a', 'short', 'removed'].filter((id) => store.recall(id))).toEqual(['a'])
    now = 60_001
    expect(store.recall('a')).toBeUndefined()
    await store.get('a')
    expect(store.recall('a')).toBeDefined()
  })

  it('does not recall a session that was removed while it was being read', async () => {
    const { store } = seal()
    await store.set('a', sessionRecord(1_000_000))
    await Promise.all([store.get('a'), store.delete('a')])
    expect(store.recall('a')).toBeUndefined()
  })

  it('does not wait for a store that hangs', async () => {
    const told: unknown[] = []
    const settings = { secrets: [newSecret()], timeoutSeconds: 0.05, now: () => 0 }
    const network = createNetworkStore()
    network.way = 'silent'
    const store = new SealedStore<SessionRecord>(network, {
      purpose: 'session',
      keepKnown: keepKnownLaunches,
      ...settings,
      onFailure: (error) => void told.push(error),
    })
    const error = await failureOf(() => store.get('a'))
    expect(error).toMatchObject({ code: 'session_store_failed', status: 503 })
    expect(error.message).toContain('did not answer within 0.05 s')
    expect(told).toEqual([error])
  })

  it('STATE-03 gives a name to one owner, who may renew it, hand it on and give it back', async () => {
    const { inner, secrets, store: mine } = seal()
    const theirs = seal(inner, secrets).store
    expect([await mine.claim('a', 'me', 10), await theirs.claim('a', 'you', 10)]).toEqual([true, false])
    expect([await mine.claim('a', 'me', 10), await theirs.renew('a', 'you', 'you', 10)]).toEqual([true, false])
    await theirs.release('a', 'you')
    const mark = (await theirs.holderOf('a'))!
    expect(await mine.renew('a', 'me', 'still me', 10)).toBe(true)
    expect(await theirs.takeOver('a', mark, 'you', 10)).toBe(false)
    expect(await theirs.takeOver('a', (await theirs.holderOf('a'))!, 'you', 10)).toBe(true)
    await mine.release('a', 'still me')
    expect(await mine.claim('a', 'me', 10)).toBe(false)
    await theirs.release('a', 'you')
    expect(await mine.holderOf('a')).toBeUndefined()
    expect(await mine.claim('a', 'me', 10)).toBe(true)
  })
  it.each([
    ['sealed', () => seal().store],
    ['in memory', () => memoryStore({ now: () => 0 })],
  ])(
    'a name goes from owner to owner, and to nobody who has not seen its last owner, with a store %s',
    async (_, open) => {
      const store = open()
      expect(await store.holderOf('lock')).toBeUndefined()
      expect(await store.claim('lock', 'first', 60)).toBe(true)
      const mark = await store.holderOf('lock')
      expect(await store.renew('lock', 'somebody else', 'third', 60)).toBe(false)
      expect(await store.holderOf('lock')).toBe(mark)
      expect(await store.renew('lock', 'first', 'second', 60)).toBe(true)
      expect(await store.takeOver('lock', mark!, 'third', 60)).toBe(false)
      await store.release('lock', 'first')
      const nextMark = await store.holderOf('lock')
      expect(nextMark).not.toBe(mark)
      expect(await store.takeOver('lock', nextMark!, 'third', 60)).toBe(true)
      expect(await store.renew('lock', 'second', 'fourth', 60)).toBe(false)
      await store.release('lock', 'third')
      expect(await store.holderOf('lock')).toBeUndefined()
    },
  )

  describe('lets one call wait for its whole time limit, the next ones hardly', () => {
    it.each([
      ['until the store answers', 'answers', 1900],
      ['also when a client gives up a call by a time limit of its own', 'fails', 110],
    ])('%s', async (_, then, nextWait) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      onTestFinished(() => void vi.useRealTimers())
      const calls: { answer: (value: undefined) => void; fail: (error: Error) => void }[] = []
      const get = () => new Promise<undefined>((answer, fail) => void calls.push({ answer, fail }))
      const { store } = seal({ ...createMapStore(), get })
      const failed: string[] = []
      const ask = async (name: string) => {
        const count = calls.length
        Promise.resolve(store.get(name)).catch(() => failed.push(name))
        while (calls.length === count) await new Promise((resolve) => setImmediate(resolve))
      }
      await ask('first')
      await vi.advanceTimersByTimeAsync(1900)
      expect(failed).toEqual([])
      await vi.advanceTimersByTimeAsync(200)
      expect(failed).toEqual(['first'])
      await ask('second')
      await vi.advanceTimersByTimeAsync(110)
      expect(failed).toEqual(['first', 'second'])
      if (then === 'answers') calls[0]?.answer(undefined)
      else calls[0]?.fail(new Error('Query read timeout'))
      await vi.advanceTimersByTimeAsync(0)
      await ask('third')
      await vi.advanceTimersByTimeAsync(nextWait)
      expect(failed).toEqual(then === 'answers' ? ['first', 'second'] : ['first', 'second', 'third'])
      await vi.advanceTimersByTimeAsync(200)
      expect(failed).toEqual(['first', 'second', 'third'])
    })
  })
})
