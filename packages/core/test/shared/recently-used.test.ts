import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AgingMap } from '../../src/shared/aging-map.ts'
import { RecentlyUsed } from '../../src/shared/recently-used.ts'

const KEYS = [...'abcdefg']
const key = fc.constantFrom(...KEYS)
const use = fc.record({ how: fc.constantFrom('get', 'set', 'delete'), key })
const COUNT = 2

interface Use {
  readonly how: string
  readonly key: string
}

/** After all these uses, and by key what was used, those used last at the end; deleted ones have no value. */
function replay(uses: readonly Use[]) {
  const recent = new RecentlyUsed<number>(COUNT)
  const used = new Map<string, number | undefined>()
  for (const [at, { how, key }] of uses.entries()) {
    const found = how === 'get' ? recent.get(key) : undefined
    if (found !== undefined) expect(found).toBe(used.get(key))
    if (how === 'delete') {
      recent.delete(key)
      if (used.has(key)) used.set(key, undefined)
    } else if (how === 'set' || found !== undefined) {
      if (how === 'set') recent.set(key, at)
      used.delete(key)
      used.set(key, found ?? at)
    }
  }
  return { recent, used }
}

describe('what was used last', () => {
  it('is held: so many entries at least, twice as many at most, and never what was deleted', () => {
    fc.assert(
      fc.property(fc.array(use, { maxLength: 40 }), (uses) => {
        const { used } = replay(uses)
        const isThere = (key: string) => used.get(key) !== undefined
        // To look is to use, so each look is at a new one.
        const held = KEYS.filter((key) => replay(uses).recent.get(key) !== undefined)
        expect(held).toEqual(expect.arrayContaining([...used.keys()].slice(-COUNT).filter(isThere)))
        expect(held.filter((key) => !isThere(key))).toEqual([])
        expect(held.length).toBeLessThanOrEqual(2 * COUNT)
        expect(replay(uses).recent.values().sort()).toEqual(held.map((key) => used.get(key)).sort())
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a map in the order of writing', () => {
  it('holds what a Map holds, and names the one written longest ago', () => {
    fc.assert(
      fc.property(fc.array(use, { maxLength: 200 }), (uses) => {
        const aging = new AgingMap<number>()
        const plain = new Map<string, number>()
        uses.forEach(({ how, key }, at) => {
          const value = at % 3 // now and then the same one again
          if (how !== 'get') plain.delete(key)
          if (how === 'set') plain.set(key, value)
          if (how === 'set') aging.set(key, value)
          if (how === 'delete') aging.delete(key)
          expect(aging.get(key)).toBe(plain.get(key))
          expect(aging.size).toBe(plain.size)
          if (at % 2 === 0) expect(aging.oldest()).toEqual([...plain][0])
        })
        expect(aging.oldest()).toEqual([...plain][0])
      }),
    )
  })
})
