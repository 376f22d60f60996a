import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clearCookie, cookieName, cookieNames, readCookie, setCookie } from '../../src/session/cookie-header.ts'

const NAME = '__Host-fhir-auth.session'
const HTTPS = { secure: true, sameSite: 'lax' } as const
/** What a browser may send: any number of pairs, names and values without a semicolon. */
const pairPart = fc.string({ unit: fc.constantFrom(...'ab_-. ="%,\t', ...NAME), maxLength: 12 })
const text = fc.oneof(pairPart, fc.constantFrom(NAME, `${NAME}=x`, ` ${NAME}=x`, `x${NAME}=y`))
const cookieHeader = fc
  .array(fc.tuple(text, text))
  .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('; '))

/** The plain way to do it, as the standard describes: split, and compare whole names. */
function referenceValue(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at >= 0 && pair.slice(0, at).replace(/^[ \t]+/, '') === name) return pair.slice(at + 1).trimEnd()
  }
  return undefined
}

describe('reading one cookie', () => {
  it('finds the same value as splitting the header would, whatever the header', () => {
    fc.assert(
      fc.property(cookieHeader, (header) => {
        expect(readCookie(header, NAME)).toBe(referenceValue(header, NAME))
      }),
      { numRuns: 2000 },
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ minLength: 1 }),
        (header, name) => void readCookie(header, name),
      ),
    )
  })

  it.each([
    ['a longer name', `x${NAME}=wrong; ${NAME}2=wrong`],
    ['the value of another cookie', `other=${NAME}=wrong`],
    ['the value of another cookie, after a blank', `other=a ${NAME}=wrong`],
    ['the value of another cookie, after a tab', `other=a\t${NAME}=wrong`],
    ['another case', `${NAME.toLowerCase()}=wrong`],
  ])('SEC-04 does not take it from %s', (_, header) => {
    expect(readCookie(header, NAME)).toBeUndefined()
    expect(readCookie(`${header}; ${NAME}=right`, NAME)).toBe('right')
  })

  it('lists the names that begin with a prefix, in order, and never throws', () => {
    expect(cookieNames('p.b=1; other=p.x=2;p.a=3; p.=4', 'p.')).toEqual(['p.b', 'p.a', 'p.'])
    expect(cookieNames(undefined, 'p.')).toEqual([])
    fc.assert(
      fc.property(fc.oneof(cookieHeader, fc.string({ unit: 'binary' })), (header) => {
        for (const name of cookieNames(header, '__Host-')) expect(name).toMatch(/^__Host-[^;=]*$/)
      }),
    )
  })
})

describe('writing cookies', () => {
  it('SEC-03 pins them to host and TLS, out of reach of scripts', () => {
    expect(cookieName('fhir-auth.session', HTTPS)).toBe(NAME)
    expect(setCookie(NAME, 'id', 3600.7, HTTPS)).toBe(
      `${NAME}=id; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax`,
    )
  })

  it('SEC-03 drops Secure and its prefix for an app on http://localhost alone', () => {
    const policy = { secure: false, sameSite: 'lax' } as const
    expect(cookieName('fhir-auth.session', policy)).toBe('fhir-auth.session')
    expect(setCookie('fhir-auth.session', 'id', 60, policy)).toBe(
      'fhir-auth.session=id; Path=/; Max-Age=60; HttpOnly; SameSite=Lax',
    )
  })

  it("EHR-07 lets them into an EHR's frame: SameSite=None with Secure and Partitioned", () => {
    const policy = { secure: true, sameSite: 'none' } as const
    expect(setCookie(NAME, 'id', 60, policy)).toBe(
      `${NAME}=id; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=None; Partitioned`,
    )
    // A browser only removes a partitioned cookie by the same attributes.
    expect(clearCookie(NAME, policy)).toBe(`${NAME}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=None; Partitioned`)
  })
})
