import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasRepeatedName } from '../../src/proxy/repeated-names.ts'

describe('a name twice in one object (RFC 8259 §4)', () => {
  it.each([
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '[{"x":[{"b":{},"c":"}","b":1}]}]',
    '{"a":"{\\"a\\":1}","b":[],"a":null}',
    '{"":0,"":0}',
    '{"__proto__":1,"__proto__":2}',
  ])('%s is found', (text) => {
    expect(hasRepeatedName(text)).toBe(true)
  })

  it.each([
    '{"a":{"a":1},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '["a","a"]',
    '{"a":"a","b":"a"}',
    '"a"',
    '{"a":"\\\\","b":1}',
  ])('%s has none', (text) => {
    expect(hasRepeatedName(text)).toBe(false)
  })

  it('is not in what JSON.stringify writes, and is found once it is added', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), fc.nat(2), (value, name, space) => {
        const text = JSON.stringify(value, undefined, space)
        expect(hasRepeatedName(text)).toBe(false)
        const twice = `[${text},{${JSON.stringify(name)}:${text}, ${JSON.stringify(name)} :0}]`
        expect(hasRepeatedName(twice)).toBe(true)
      }),
    )
  })
})
