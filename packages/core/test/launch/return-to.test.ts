import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkedReturnTo } from '../../src/launch/return-to.ts'

const APP = 'https://portal.example'
const landing = (candidate: string) => new URL(checkedReturnTo(candidate, '/home'), `${APP}/callback`)

describe('where a person goes after login', () => {
  it.each([
    '/',
    '/chart',
    '/chart?patient=1&x=%2F%2Fy#part?',
    '/a/../b',
    '/@evil.example',
    '/https://evil.example',
    '/é/ü?q=ß',
  ])('CB-07 is the path asked for: %s', (path) => {
    const url = new URL(path, APP)
    expect(checkedReturnTo(path, '/home')).toBe(url.pathname + url.search + url.hash)
  })

  it.each([
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https://evil.example',
    'https:evil.example',
    'https:/evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    '/\t/evil.example',
    '/\n/evil.example',
    '\t//evil.example',
    ' //evil.example',
    '/..//evil.example',
    '/.//evil.example',
    '/a/../..//evil.example',
    '/%2e%2e//evil.example',
    '/%2E//evil.example',
    '/./\\evil.example',
    '/a\\..\\..\\\\evil.example',
    'evil.example',
    '@evil.example',
    '?x',
    '#x',
    '.',
    '',
  ])('CB-07 is the fallback for %j', (candidate) => {
    expect(checkedReturnTo(candidate, '/home')).toBe('/home')
  })

  it('CB-07 is the fallback when nothing is asked for', () => {
    expect(checkedReturnTo(null, '/home')).toBe('/home')
    expect(checkedReturnTo(undefined, '/home')).toBe('/home')
  })

  it('CB-07 is never on another origin, whatever is asked for', () => {
    const tricky = fc.constantFrom(...'/\\.:@?#%;\t\n\r \0', '..', '//', '%2e', '%2f', '%5c', 'evil.example', 'https:')
    const candidate = fc.oneof(
      fc.array(tricky, { maxLength: 10 }).map((parts) => `/${parts.join('')}`),
      fc.array(tricky, { maxLength: 10 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary' }).map((text) => `/${text}`),
      fc.webUrl(),
    )
    fc.assert(
      fc.property(candidate, (text) => {
        expect(landing(text).origin).toBe(APP)
        expect(checkedReturnTo(text, '/home')).toMatch(/^\/(?![/\\])/)
      }),
      { numRuns: 5000 },
    )
  })
})
