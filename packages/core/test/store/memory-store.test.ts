import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import type { SessionRecord } from '../../src/session/record.ts'
import { failureOf } from '../support/failure-of.ts'
import { sessionRecord } from '../support/launch-record.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** So many others written, and a session is at rest. */
const RESTING_AFTER = 10_000

describe('the memory store', () => {
  it('keeps a session until its end and not longer', () => {
    let now = 0
    const store = memoryStore({ now: () => now })
    store.set('a', sessionRecord(1000))
    now = 999
    expect(store.get('a')).toEqual(sessionRecord(1000))
    now = 1000
    expect(store.get('a')).toBeUndefined()
    expect(store.size).toBe(0)
  })

  it('drops the oldest session beyond its bound', () => {
    const store = memoryStore({ maxSessions: 3, now: () => 0 })
    for (const id of ['a', 'b', 'c', 'd', 'e']) store.set(id, sessionRecord(1000))
    expect(['a', 'b', 'c', 'd', 'e'].filter((id) => store.get(id))).toEqual(['c', 'd', 'e'])
    store.set('c', sessionRecord(2000))
    expect(store.size).toBe(3)
  })

  it('sweeps what has expired as new sessions come, so that it does not grow', () => {
    let now = 0
    const store = memoryStore({ now: () => now })
    for (let i = 0; i < 1000; i++) store.set(`old ${i}`, sessionRecord(1000))
    now = 2000
    for (let i = 0; i < 300; i++) store.set(`new ${i}`, sessionRecord(9000))
    expect(store.size).toBe(300)
    for (let i = 0; i < RESTING_AFTER; i++) store.set(`newer ${i}`, sessionRecord(9000))
    now = 10_000
    for (let i = 0; i < RESTING_AFTER; i++) store.set(`newest ${i}`, sessionRecord(19_000))
    expect(store.size).toBe(RESTING_AFTER)
  })

  it('STATE-03 lets one owner claim a name, until its time is over or its owner gives it back', () => {
    let now = 0
    const store = memoryStore({ now: () => now })
    expect([store.claim('a', 'me', 10), store.claim('a', 'you', 10), store.claim('b', 'you', 10)]).toEqual([
      true,
      false,
      true,
    ])
    now = 9_999
    expect(store.claim('a', 'you', 10)).toBe(false)
    store.release('a', 'you')
    expect(store.claim('a', 'you', 10)).toBe(false)
    now = 10_000
    expect(store.claim('a', 'you', 10)).toBe(true)
    // Too late: it is another's by now.
    store.release('a', 'me')
    expect(store.claim('a', 'me', 10)).toBe(false)
    store.release('a', 'you')
    expect(store.claim('a', 'me', 10)).toBe(true)
  })

  it('lets the owner of a name renew its term', () => {
    let now = 0
    const store = memoryStore({ now: () => now })
    store.claim('a', 'me', 10)
    now = 9_000
    expect(store.claim('a', 'me', 10)).toBe(true)
    now = 18_000
    expect(store.claim('a', 'you', 10)).toBe(false)
  })

  it('passes a name on from its holder, identified by a mark, and from nobody else', () => {
    let now = 0
    const store = memoryStore({ now: () => now })
    expect([store.holderOf('a'), store.takeOver('a', 'me', 'you', 10)]).toEqual([undefined, false])
    store.claim('a', 'me', 10)
    const mark = store.holderOf('a')!
    expect(store.renew('a', 'you', 'them', 10)).toBe(false)
    now = 9_000
    expect(store.renew('a', 'me', 'still me', 10)).toBe(true)
    expect([store.takeOver('a', mark, 'you', 10), store.takeOver('a', store.holderOf('a')!, 'you', 10)]).toEqual([
      false,
      true,
    ])
    store.release('a', 'still me')
    now = 18_999
    expect(store.holderOf('a')).toBeDefined()
    now = 19_000
    expect([store.holderOf('a'), store.renew('a', 'you', 'you', 10)]).toEqual([undefined, false])
  })

  it('sweeps claims that have run out as new ones come', () => {
    let now = 0
    const store = memoryStore({ now: () => now })
    for (let i = 0; i < 100; i++) store.claim(`login ${i}`, 'me', 10)
    now = 10_000
    for (let i = 0; i < 100; i++) expect(store.claim(`login ${i}`, 'you', 10)).toBe(true)
  })

  it('replaces a session only where it still is as it was read', () => {
    const store = memoryStore<SessionRecord>({ now: () => 0 })
    const [first, second, third] = [sessionRecord(1000), sessionRecord(2000), sessionRecord(3000)]
    store.set('a', first)
    expect(store.replace('a', first, second)).toBe(true)
    expect(store.replace('a', first, third)).toBe(false)
    expect(store.get('a')).toBe(second)
    store.delete('a')
    expect(store.replace('a', second, third)).toBe(false)
    expect(store.get('a')).toBeUndefined()
  })

  it('gives back a session at rest as it was, frozen, and replaces it as it was read', () => {
    const store = memoryStore<SessionRecord>({ now: () => 0 })
    const idToken = { iss: 'https://auth.example', sub: 'Zoë 王' }
    const record = sessionRecord(1000.5, { idToken, launch: { intent: 'order', 'x-more': [{ deep: [true, null] }] } })
    store.set('a', record)
    for (let i = 0; i < RESTING_AFTER; i++) store.set(`other ${i}`, sessionRecord(1000))
    expect(store.replace('a', record, sessionRecord(2000))).toBe(false)
    const read = store.get('a')!
    expect(read).not.toBe(record)
    expect(store.size).toBe(RESTING_AFTER + 1)
    expect(read).toEqual(record)
    const launch = read.launches[0]!.launch as { 'x-more': { deep: unknown[] }[] }
    for (const part of [read, read.launches[0], launch, launch['x-more'][0]!.deep]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
    expect(store.get('a')).toBe(read)
    expect(store.replace('a', read, sessionRecord(2000))).toBe(true)
  })

  it('ends a session at rest in its time, and by a logout', () => {
    let now = 0
    const store = memoryStore({ now: () => now })
    for (const id of ['a', 'b']) store.set(id, sessionRecord(1000.5))
    for (let i = 0; i < RESTING_AFTER; i++) store.set(`other ${i}`, sessionRecord(9000))
    store.delete('a')
    expect(store.get('a')).toBeUndefined()
    store.set('c', sessionRecord(1000))
    for (let i = 0; i < RESTING_AFTER; i++) store.set(`other ${i}`, sessionRecord(9000))
    store.set('c', sessionRecord(1001))
    store.delete('c')
    expect(store.size).toBe(RESTING_AFTER + 1)
    now = 1000.5
    expect(store.get('b')).toBeUndefined()
    expect(store.size).toBe(RESTING_AFTER)
  })

  it('keeps no record of a session that was swept', () => {
    let now = 0
    const store = memoryStore({ now: () => now })
    const before = heapUsed()
    for (let i = 0; i < 1000; i++) store.set(`old ${i}`, sessionRecord(1000, { accessToken: longText(16_000) }))
    now = 2000
    for (let i = 0; i < 1000; i++) store.set(`new ${i}`, sessionRecord(9000))
    expect(heapUsed() - before).toBeLessThan(4_000_000)
    expect(store.size).toBe(1000)
  })

  it('keeps nothing of what was replaced, though one session was written before all others', () => {
    const store = memoryStore<SessionRecord>({ now: () => 0 })
    store.set('abandoned', sessionRecord(1000))
    const before = heapUsed()
    for (let i = 0; i < 20_000; i++) {
      store.set(`in use ${i % 100}`, sessionRecord(1000, { accessToken: longText(4000) }))
    }
    expect(heapUsed() - before).toBeLessThan(12_000_000)
    expect(store.size).toBe(101)
  })

  it('bounds what all sessions take together, and drops the oldest', () => {
    const store = memoryStore<SessionRecord>({ maxBytes: 100_000, now: () => 0 })
    for (let i = 0; i < 100; i++) store.set(`s${i}`, sessionRecord(1000, { accessToken: longText(9000) }))
    expect(store.size).toBeGreaterThan(5)
    expect(store.size).toBeLessThan(12)
    expect([store.get('s99') !== undefined, store.get('s0')]).toEqual([true, undefined])
  })

  it('refuses a session that is larger than one may be, and ends none for it', () => {
    const store = memoryStore<SessionRecord>({ maxBytes: 100_000, now: () => 0 })
    for (let i = 0; i < 5; i++) store.set(`s${i}`, sessionRecord(1000, {}))
    const huge = sessionRecord(1000, { accessToken: longText(100_001) })
    expect(() => store.set('huge', huge)).toThrow(
      expect.objectContaining({ code: 'session_store_failed', status: 503 }),
    )
    expect(() => store.set('s0', huge)).toThrow(/keeps at most 100000 of one/)
    for (let i = 0; i < 5; i++) expect(store.get(`s${i}`)).toBeDefined()
  })

  it('keeps so many claims and no more: the oldest is forgotten', () => {
    const store = memoryStore({ now: () => 0 })
    for (let i = 0; i <= 100_000; i++) store.claim(`login ${i}`, 'owner', 600)
    expect([0, 1, 100_000].map((i) => store.holderOf(`login ${i}`))).toEqual([undefined, 'owner', 'owner'])
  })

  it('one server that fills it ends no session of another', () => {
    const store = memoryStore<SessionRecord>({ maxBytes: 1_000_000, now: () => 0 })
    store.divideBy(({ launches }) => launches[0]!.fhirBaseUrl)
    const honest = { fhirBaseUrl: 'https://honest.example/fhir' }
    const hostile = { fhirBaseUrl: 'https://hostile.example/fhir', accessToken: longText(50_000) }
    for (let i = 0; i < 50; i++) store.set(`honest ${i}`, sessionRecord(1000, honest))
    for (let i = 0; i < 500; i++) store.set(`hostile ${i}`, sessionRecord(1000, hostile))
    for (let i = 0; i < 50; i++) expect(store.get(`honest ${i}`)).toBeDefined()
    expect(store.size).toBeLessThan(50 + 21)
  })

  it('does not hold the cookie header that a session id was cut out of', () => {
    const store = memoryStore<SessionRecord>({ now: () => 0 })
    const before = heapUsed()
    for (let i = 0; i < 1000; i++) {
      const header = Buffer.from(`session=${String(i).padStart(43, 'x')}; other=${'y'.repeat(32_000)}`).toString(
        'latin1',
      )
      const id = header.slice('session='.length, 'session='.length + 43)
      store.set(id, sessionRecord(1000))
      store.get(id)
    }
    expect(heapUsed() - before).toBeLessThan(8_000_000)
    expect(store.size).toBe(1000)
  })

  it('names the option that is wrong', async () => {
    expect((await failureOf(() => memoryStore({ maxSessions: 0 }))).message).toContain('maxSessions')
    // @ts-expect-error misspelt
    expect((await failureOf(() => memoryStore({ maxSession: 5 }))).message).toContain('Did you mean "maxSessions"?')
  })
})

/** In memory of its own; what `repeat()` makes is put together from shared pieces. */
function longText(length: number): string {
  return Buffer.alloc(length, 'x').toString('latin1')
}

function heapUsed(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}
