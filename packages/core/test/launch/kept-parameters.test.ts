import { createUserAgent } from '@fhir-auth/sandbox'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CompletedLogin, createSmartLaunch, type SmartLaunchOptions } from '../../src/index.ts'
import { parametersIn, readKeptParameters, withParameters } from '../../src/launch/kept-parameters.ts'
import { failureOf } from '../support/failure-of.ts'
import { bothStores } from '../support/map-store.ts'
import { newSecret, startPortal } from '../support/portal-world.ts'

describe.each(bothStores)("the app's own parameters of a launch, with a store %s,", (_, store) => {
  async function startKeeping() {
    const logins: CompletedLogin[] = []
    const portal = await startPortal({
      keepParameters: ['clinic', 'site'],
      paths: { home: '/chart' },
      session: { store: store() },
      afterLogin: (_fhir, login) => void logins.push(login),
    })
    return { portal, logins }
  }

  it('EHR-01 are kept through the login: afterLogin and the address of the page get them', async () => {
    const { portal, logins } = await startKeeping()
    const patient = portal.sandbox.patients[0]!.id
    const launchUrl = `${portal.origin}/launch?clinic=Oak%20%26%20Elm&tracking=1`
    const page = await createUserAgent().signIn(portal.sandbox.ehrLaunch({ launchUrl, patient }))
    const { pathname, searchParams } = new URL(page.url)
    expect(pathname).toBe('/chart')
    expect([...searchParams.keys()].sort()).toEqual(['clinic', 'launch_id'])
    expect(searchParams.get('clinic')).toBe('Oak & Elm')
    expect(logins).toMatchObject([{ isEhrLaunch: true, parameters: { clinic: 'Oak & Elm' } }])
    const [authorization] = portal.sandbox.requestsTo('/authorize')
    expect([...authorization!.query.keys()]).not.toContain('clinic')
  })

  it('are kept through a standalone login as well, beside the page that was asked for', async () => {
    const { portal, logins } = await startKeeping()
    const query = new URLSearchParams({ returnTo: '/notes?clinic=1&page=2#end', clinic: '7' })
    const page = await createUserAgent().signIn(`${portal.origin}/login?${query}`)
    expect(page.url).toBe(`${portal.origin}/notes?page=2&clinic=7#end`)
    expect(logins).toMatchObject([{ isEhrLaunch: false, parameters: { clinic: '7' } }])
  })

  it.each([
    ['twice', 'clinic=1&clinic=2', 'clinic twice'],
    ['without end', `site=${'x'.repeat(501)}`, '500 characters'],
  ])('EHR-01 %s are refused before the launch handle is used', async (_, query, message) => {
    const { portal } = await startKeeping()
    const url = `${portal.origin}/launch?${new URLSearchParams({ iss: portal.sandbox.fhirBaseUrl, launch: 'x' })}&${query}`
    const answer = await fetch(url, { headers: { accept: 'application/json' } })
    expect(await answer.json()).toMatchObject({ code: 'invalid_launch', detail: expect.stringContaining(message) })
    expect(portal.outbound).toEqual([])
  })
})

describe('keepParameters', () => {
  it.each([
    ['iss', /reserved for the launch/],
    ['launch_id', /reserved for the launch/],
    ['returnTo', /reserved for the launch/],
    ['a b', /Use letters/],
    ['', /Use letters/],
    ['x'.repeat(41), /at most 40/],
  ])('refuses the name %j', async (name, message) => {
    const options = {
      ...{ fhirBaseUrl: 'https://ehr.example/fhir', clientId: 'portal', scope: 'launch' },
      ...{ redirectUri: 'https://portal.example/callback', session: { secret: newSecret() } },
      keepParameters: [name],
    } satisfies SmartLaunchOptions
    expect(await failureOf(() => createSmartLaunch(options))).toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(message),
    })
  })

  it('SEC-02 puts any value into an address, and gets it back from there, and changes nothing else', () => {
    const value = fc.string({ unit: 'grapheme', maxLength: 40 })
    fc.assert(
      fc.property(value, value, (clinic, page) => {
        const kept = readKeptParameters(new URLSearchParams({ clinic, site: 's', page }), ['clinic', 'site'])
        const address = withParameters(`/chart?${new URLSearchParams({ page })}#part`, kept)
        expect(address).toMatch(/^\/chart\?[\x21-\x7e]*$/)
        const expected = { clinic: new URLSearchParams({ clinic }).get('clinic'), site: 's' }
        expect(parametersIn(address, ['clinic', 'site'])).toEqual(expected)
        expect(new URL(address, 'https://portal.example').searchParams.get('page')).toBe(
          new URLSearchParams({ page }).get('page'),
        )
      }),
    )
  })
})
