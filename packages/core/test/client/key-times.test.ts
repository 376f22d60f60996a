import { beforeAll, describe, expect, it } from 'vitest'
import { type KeySet, loadKeySet } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { ecJwk, type PrivateTestJwk, rsaJwk } from '../support/signing-jwks.ts'

const DAY = 86_400_000
const START = Date.UTC(2026, 6, 1)
const DEFAULT_OVERLAP = (600 + 300 + 300) * 1000
let [a, b, c, rsa]: PrivateTestJwk[] = []
beforeAll(() => {
  ;[a, b, c] = ['a', 'b', 'c'].map((kid) => ({ ...ecJwk('P-256'), kid }))
  rsa = { ...rsaJwk(), kid: 'rsa' }
})

const setOf = (...keys: object[]) => loadKeySet({ keys })
const statesAt = (keys: KeySet, now: number) =>
  Object.fromEntries(keys.states(now).map(({ kid, state }) => [kid, state]))
const publishedAt = (keys: KeySet, now: number, maxAgeSeconds?: number) =>
  keys.publicJwks(now, maxAgeSeconds).keys.map(({ kid }) => kid)
const signerAt = (keys: KeySet, now: number, accepted?: string[]) => keys.signingKey(accepted, now).kid

describe('a key with a signFrom', () => {
  it('JWKS-06 is published before it, signs from it on, and retires the one before', async () => {
    const keys = await setOf(a ?? {}, { ...b, signFrom: '2026-07-02T00:00:00Z' })
    const turn = START + DAY
    expect(statesAt(keys, turn - 1)).toEqual({ a: 'active', b: 'next' })
    expect(signerAt(keys, turn - 1)).toBe('a')
    expect(publishedAt(keys, turn - 1)).toEqual(['a', 'b'])
    expect(statesAt(keys, turn)).toEqual({ a: 'retired', b: 'active' })
    expect(signerAt(keys, turn)).toBe('b')
    expect(publishedAt(keys, turn)).toEqual(['a', 'b'])
  })

  it('JWKS-06 the one before stays published for max-age, an assertion’s life and the clocks of others', async () => {
    const keys = await setOf(a ?? {}, { ...b, signFrom: '2026-07-02' })
    const turn = START + DAY
    expect(publishedAt(keys, turn + DEFAULT_OVERLAP - 1)).toEqual(['a', 'b'])
    expect(publishedAt(keys, turn + DEFAULT_OVERLAP)).toEqual(['b'])
    expect(publishedAt(keys, turn + (3600 + 600) * 1000 - 1, 3600)).toEqual(['a', 'b'])
    expect(publishedAt(keys, turn + (3600 + 600) * 1000, 3600)).toEqual(['b'])
  })

  it('JWKS-06 the order of the set makes no difference between keys with times', async () => {
    const keys = await setOf({ ...c, signFrom: '2026-07-03' }, { ...b, signFrom: '2026-07-02' }, a ?? {})
    expect([0, 1, 2].map((day) => signerAt(keys, START + day * DAY))).toEqual(['a', 'b', 'c'])
    expect(statesAt(keys, START + 2 * DAY)).toEqual({ a: 'retired', b: 'retired', c: 'active' })
    expect(publishedAt(keys, START + 2 * DAY)).toEqual(['c', 'b'])
  })

  it('JWKS-06 retires keys of its own algorithm only: a server that takes no other is still served', async () => {
    const keys = await setOf(rsa ?? {}, { ...b, signFrom: '2026-07-02' })
    const turn = START + DAY
    expect(signerAt(keys, turn - 1, ['RS384', 'ES256'])).toBe('rsa')
    expect(statesAt(keys, turn)).toEqual({ rsa: 'active', b: 'active' })
    expect(signerAt(keys, turn)).toBe('b')
    expect(signerAt(keys, turn, ['RS384'])).toBe('rsa')
    expect(publishedAt(keys, turn + 365 * DAY)).toEqual(['rsa', 'b'])
  })

  it('JWKS-06 may be written as a date, with a zone, or in seconds', async () => {
    const times = ['2026-07-02', '2026-07-02T00:00Z', '2026-07-02T02:00:00+02:00', (START + DAY) / 1000]
    for (const signFrom of times) {
      const [status] = (await setOf({ ...a, signFrom })).states(START)
      expect(status).toEqual({
        ...{ kid: 'a', alg: 'ES256', signFrom: START + DAY },
        ...{ state: 'next', at: START + DAY, published: true },
      })
    }
  })
})

describe('the moment at which a state changes', () => {
  const momentsAt = (keys: KeySet, now: number) =>
    Object.fromEntries(keys.states(now).map(({ kid, state, at, published }) => [kid, [state, at, published]]))

  it('JWKS-06 is that of the next key, for it and for the one that it retires', async () => {
    const keys = await setOf(a ?? {}, { ...b, signFrom: '2026-07-02' })
    const turn = START + DAY
    expect(momentsAt(keys, START)).toEqual({ a: ['active', turn, true], b: ['next', turn, true] })
    expect(momentsAt(keys, turn)).toEqual({ a: ['retired', turn, true], b: ['active', undefined, true] })
    expect(momentsAt(keys, turn + DEFAULT_OVERLAP).a).toEqual(['retired', turn, false])
  })

  it('JWKS-06 is not known of a key behind another one, and its own end for one with a signUntil', async () => {
    const keys = await setOf({ ...a, signUntil: '2026-07-02' }, b ?? {})
    expect(momentsAt(keys, START)).toEqual({ a: ['active', START + DAY, true], b: ['next', undefined, true] })
  })
})

describe('a key with a signUntil', () => {
  it('JWKS-06 signs no more from then on, and is published until its overlap ends', async () => {
    const keys = await setOf({ ...rsa, signUntil: '2026-07-02' }, a ?? {})
    const turn = START + DAY
    expect(signerAt(keys, turn - 1)).toBe('rsa')
    expect(signerAt(keys, turn)).toBe('a')
    expect(statesAt(keys, turn)).toEqual({ rsa: 'retired', a: 'active' })
    expect(publishedAt(keys, turn + DEFAULT_OVERLAP - 1)).toEqual(['rsa', 'a'])
    expect(publishedAt(keys, turn + DEFAULT_OVERLAP)).toEqual(['a'])
  })

  it('JWKS-06 on a new key that turned out bad: the one before signs again', async () => {
    const keys = await setOf(a ?? {}, { ...b, signFrom: '2026-07-02', signUntil: '2026-07-03' })
    expect([0, 1, 2].map((day) => signerAt(keys, START + day * DAY))).toEqual(['a', 'b', 'a'])
    expect(publishedAt(keys, START + 3 * DAY)).toEqual(['a'])
  })
})

describe('keys without times', () => {
  it('JWKS-06 the first of an algorithm signs, the others are next', async () => {
    const keys = await setOf(a ?? {}, b ?? {}, rsa ?? {})
    expect(statesAt(keys, START)).toEqual({ a: 'active', b: 'next', rsa: 'active' })
    expect(signerAt(keys, START)).toBe('a')
    expect(signerAt(keys, START, ['RS384'])).toBe('rsa')
    expect(publishedAt(keys, START)).toEqual(['a', 'b', 'rsa'])
  })
})

describe('when no key may sign', () => {
  it('JWKS-06 the error names each key and its time', async () => {
    const keys = await setOf({ ...a, signUntil: '2026-06-01' }, { ...b, signFrom: '2026-08-01' })
    const failure = await failureOf(() => keys.signingKey(undefined, START))
    expect(failure.code).toBe('invalid_key')
    expect(failure.message).toContain(
      '"a" signed until 2026-06-01T00:00:00.000Z, "b" signs from 2026-08-01T00:00:00.000Z',
    )
    expect(publishedAt(keys, START)).toEqual(['b'])
  })
})
