import { expect, it } from 'vitest'
import { joinLaunches, MAX_LAUNCHES } from '../../src/session/join-launches.ts'
import { launchRecord } from '../support/launch-record.ts'

const NOW = 0
const person = (sub: string) => ({ iss: 'https://auth.example', sub })
const ids = (launches: readonly { launchId: string }[]) => launches.map(({ launchId }) => launchId)

it('a login at another patient keeps the launches there are', () => {
  const before = [launchRecord({ launchId: 'a', patient: 'p1' })]
  const { launches, ended } = joinLaunches(before, launchRecord({ launchId: 'b', patient: 'p2' }), NOW)
  expect([ids(launches), ended]).toEqual([['a', 'b'], []])
  expect(launches[0]).toBe(before[0])
})

it('a login that repeats a launch takes its place', () => {
  const { launches } = joinLaunches([launchRecord({ launchId: 'a' })], launchRecord({ launchId: 'b' }), NOW)
  expect(ids(launches)).toEqual(['b'])
})

it('a login of another person at the same server ends the launches of the one before, which stay as names', () => {
  const before = launchRecord({ launchId: 'a', patient: 'p1', idToken: person('one') })
  for (const fhirBaseUrl of [before.fhirBaseUrl, `${before.fhirBaseUrl}/`]) {
    const added = launchRecord({ launchId: 'b', patient: 'p2', idToken: person('another'), fhirBaseUrl })
    const { launches, ended } = joinLaunches([before], added, NOW)
    expect([ids(launches), launches[0]?.accessToken, launches[0]?.refreshToken]).toEqual([['a', 'b'], '', undefined])
    expect(ended).toEqual([before])
  }
})

it('another person at another server, and an unknown person, end no launch', () => {
  const before = launchRecord({ launchId: 'a', patient: 'p1', idToken: person('one') })
  const elsewhere = { fhirBaseUrl: 'https://other.example/fhir', idToken: person('another') }
  for (const members of [elsewhere, { idToken: undefined }]) {
    expect(joinLaunches([before], launchRecord({ launchId: 'b', patient: 'p2', ...members }), NOW).ended).toEqual([])
  }
})

it('a launch that has come to its end is not taken along alive', () => {
  const before = launchRecord({ launchId: 'a', patient: 'p1', endsAt: NOW })
  const { launches, ended } = joinLaunches([before], launchRecord({ launchId: 'b', patient: 'p2' }), NOW)
  expect([launches[0]?.accessToken, ids(ended)]).toEqual(['', ['a']])
})

it('the oldest go beyond a number, and their tokens are to be revoked', () => {
  const before = Array.from({ length: MAX_LAUNCHES }, (_, index) =>
    launchRecord({ launchId: `l${index}`, patient: `p${index}` }),
  )
  const { launches, ended } = joinLaunches(before, launchRecord({ launchId: 'new', patient: 'new' }), NOW)
  expect([launches.length, ids(ended)]).toEqual([MAX_LAUNCHES, ['l0']])
})
