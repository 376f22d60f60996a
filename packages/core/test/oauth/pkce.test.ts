import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeChallenge } from '../../src/oauth/pkce.ts'
import { equalInConstantTime } from '../../src/shared/constant-time.ts'
import { randomToken } from '../../src/shared/random.ts'

describe('PKCE and random values', () => {
  it('PKCE-02 computes the challenge of RFC 7636 appendix B', async () => {
    expect(await codeChallenge('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    )
  })

  it('PKCE-02 makes a challenge that is the unpadded base64url of the SHA-256 of the verifier', async () => {
    const verifier = fc.string({ unit: fc.constantFrom(...'abcXYZ019-._~'), minLength: 43, maxLength: 128 })
    await fc.assert(
      fc.asyncProperty(verifier, async (text) => {
        expect(await codeChallenge(text)).toBe(createHash('sha256').update(text).digest('base64url'))
      }),
    )
  })

  it('PKCE-02 STATE-01 draws 256 random bits as 43 unreserved characters, never the same twice', () => {
    const tokens = Array.from({ length: 10_000 }, randomToken)
    expect(new Set(tokens).size).toBe(10_000)
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/)
    // Every position takes every value but the last, which carries four bits: no part of the token is fixed.
    for (let position = 0; position < 43; position++) {
      expect(new Set(tokens.map((token) => token[position])).size).toBe(position < 42 ? 64 : 16)
    }
  })

  it('STATE-02 compares texts of equal and of different length by all their characters', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(equalInConstantTime(a, b)).toBe(a === b)
        expect(equalInConstantTime(a, `${a}`)).toBe(true)
        expect(equalInConstantTime(a, `${a}x`)).toBe(false)
      }),
    )
  })
})
