import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chooseLaunch } from '../../src/session/which-launch.ts'
import { addressWithLaunch, namesLaunch, withLaunchId } from '../../src/web/launch-id.ts'
import { launchRecord } from '../support/launch-record.ts'

const [a, b] = [launchRecord({ launchId: 'aaa' }), launchRecord({ launchId: 'bbb' })]
const choose = (launches: Parameters<typeof chooseLaunch>[0], url: string, headers: Record<string, string> = {}) =>
  chooseLaunch(launches, { method: 'GET', url, header: (name) => headers[name] })?.launchId

describe('which launch a request belongs to', () => {
  it('is the only one there is', () => {
    expect(choose([a], '/chart')).toBe('aaa')
    expect(choose([], '/chart')).toBeUndefined()
  })

  it('EHR-06 is the one named in the query, the header, or the address of the page it comes from', () => {
    expect(choose([a, b], '/chart?launch_id=bbb')).toBe('bbb')
    expect(choose([a, b], '/chart?x=1&launch_id=aaa&y=2')).toBe('aaa')
    expect(choose([a, b], '/api', { 'fhir-launch-id': 'bbb' })).toBe('bbb')
    expect(choose([a, b], '/api', { referer: 'https://portal.example/chart?launch_id=bbb' })).toBe('bbb')
  })

  it('EHR-06 is what the request itself says, before where it comes from', () => {
    const referer = 'https://portal.example/chart?launch_id=aaa'
    expect(choose([a, b], '/chart?launch_id=bbb', { referer, 'fhir-launch-id': 'aaa' })).toBe('bbb')
    expect(choose([a, b], '/chart', { referer, 'fhir-launch-id': 'bbb' })).toBe('bbb')
  })

  it("EHR-06 is not what another site's page says, even if it sends its whole address", () => {
    const referer = 'https://other.example/?launch_id=bbb'
    for (const site of ['cross-site', 'same-site', 'none']) {
      const headers = { referer, 'sec-fetch-site': site }
      expect(() => choose([a, b], '/chart', headers)).toThrow(expect.objectContaining({ code: 'ambiguous_launch' }))
    }
    expect(choose([a, b], '/chart', { referer, 'sec-fetch-site': 'same-origin' })).toBe('bbb')
  })

  it('EHR-06 is refused, not guessed, when there are several and none is named', () => {
    const expected = expect.objectContaining({ code: 'ambiguous_launch', status: 409 })
    expect(() => choose([a, b], '/chart')).toThrow(expected)
    expect(() => choose([a, b], '/chart', { referer: 'https://portal.example/' })).toThrow(expected)
  })

  it('EHR-06 is none when the one named has ended, even if another is the only one left', () => {
    expect(choose([a], '/chart?launch_id=bbb')).toBeUndefined()
    expect(choose([a], '/chart', { referer: 'https://portal.example/chart?launch_id=bbb' })).toBeUndefined()
  })

  it('EHR-06 is never another one than the one named, and never throws but for ambiguity', () => {
    const part = fc.constantFrom('&', '#', '=', 'launch_id', 'launch_id=', 'aaa', 'bbb', 'c', '%', '%61', '+')
    const url = fc.array(part, { maxLength: 12 }).map((parts) => `/p?${parts.join('')}`)
    fc.assert(
      fc.property(url, (text) => {
        let chosen: string | undefined
        try {
          chosen = choose([a, b], text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ambiguous_launch' })
        }
        const named = new URL(text, 'https://portal.example').searchParams.get('launch_id')
        expect(chosen).toBe(named === 'aaa' || named === 'bbb' ? named : undefined)
      }),
      { numRuns: 3000 },
    )
  })
})

describe('the address of a page reached by a plain link', () => {
  const addressOf = (url: string, headers: Record<string, string>) =>
    addressWithLaunch({ method: 'GET', url, header: (name) => headers[name] })
  const referer = 'https://portal.example/chart?launch_id=aaa'

  it.each([
    ['/labs', '?launch_id=aaa'],
    ['/labs?q=a%20b', '?q=a%20b&launch_id=aaa'],
  ])('EHR-06 gets the launch of the page before: %s', (url, expected) => {
    expect(addressOf(url, { referer })).toBe(expected)
  })

  it('EHR-06 stays as it is where it names a launch itself, or where nothing before it does', () => {
    expect(addressOf('/labs?launch_id=bbb', { referer })).toBeUndefined()
    expect(addressOf('/labs', { referer: 'https://portal.example/chart' })).toBeUndefined()
    expect(addressOf('/labs', {})).toBeUndefined()
    expect(addressOf('/labs', { referer, 'sec-fetch-site': 'cross-site' })).toBeUndefined()
  })
})

describe('naming a launch in a path', () => {
  it.each([
    ['/', '/?launch_id=new'],
    ['/chart?a=1', '/chart?a=1&launch_id=new'],
    ['/chart#x?y', '/chart?launch_id=new#x?y'],
    ['/chart?a=%2F+b#x#y', '/chart?a=%2F+b&launch_id=new#x#y'],
    ['/chart?', '/chart?launch_id=new'],
    ['/chart?launch_id=old', '/chart?launch_id=new'],
    ['/chart?launch_id=old&a=1&launch_id=older#x', '/chart?a=1&launch_id=new#x'],
    ['/chart?launch%5Fid=old', '/chart?launch_id=new'],
  ])('turns %s into %s', (path, expected) => {
    expect(withLaunchId(path, 'new')).toBe(expected)
  })

  it('leaves the path as it is where there is no launch', () => {
    expect(withLaunchId('/chart?a=1#x', undefined)).toBe('/chart?a=1#x')
  })

  it('is read back, whatever the path', () => {
    const part = fc.constantFrom('?', '&', '#', '=', 'launch_id', 'launch%5fid', 'x', '%')
    fc.assert(
      fc.property(
        fc.array(part).map((parts) => `/p${parts.join('')}`),
        (path) => {
          const named = withLaunchId(path, 'new')
          expect(new URL(named, 'https://portal.example').searchParams.getAll('launch_id')).toEqual(['new'])
          expect(namesLaunch(named)).toBe(true)
        },
      ),
    )
  })
})
