import { describe, expect, it } from 'vitest'
import type { Client } from '../../src/client/client.ts'
import { createClientDirectory } from '../../src/client/client-directory.ts'
import { checkRegistration, type Registration } from '../../src/client/registration.ts'
import { clientSecretBasic, publicClient, type RegistrationResolver, smart } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'

const FHIR = 'https://ehr.example.com/fhir'
const complete: Registration = { fhirBaseUrl: FHIR, clientId: 'app', scope: 'system/Patient.rs' }

const check = (changes: Record<string, unknown> = {}): Client =>
  checkRegistration({ ...complete, ...changes } as Registration, { flow: 'backend', defaultAuth: publicClient })
const directory = (source: object) => createClientDirectory(source, 'backendServices()', (each) => check({ ...each }))

describe('one registration', () => {
  it('has defaults, keeps the base URL to the letter, and is frozen', () => {
    const client = check({ fhirBaseUrl: `${FHIR}/` })
    expect(client.fhirBaseUrl).toBe(`${FHIR}/`)
    expect(client.dialect.name).toBe('smart')
    expect(client.clientAuth.method).toBe('none')
    expect(Object.isFrozen(client)).toBe(true)
    expect(Object.isFrozen(client.metadata)).toBe(true)
  })

  it.each([
    [{ fhirBaseUrl: undefined }, 'invalid_option', /fhirBaseUrl is undefined\. Write the server's FHIR base URL/],
    [{ fhirBaseUrl: 'ehr.example.com' }, 'insecure_url', /fhirBaseUrl is not an absolute URL: .* Write it with https:/],
    [{ fhirBaseUrl: 'http://ehr.example.com' }, 'insecure_url', /fhirBaseUrl must be https/],
    [{ fhirBaseUrl: `${FHIR}?tenant=1` }, 'invalid_option', /no query/],
    [{ fhirBaseUrl: `${FHIR}#x` }, 'invalid_option', /no fragment/],
    [{ fhirBaseUrl: 'https://user:pass@ehr.example.com' }, 'invalid_option', /no user name or password/],
    [{ clientId: undefined }, 'invalid_option', /clientId is undefined\. Set the environment variable/],
    [{ clientId: '' }, 'invalid_option', /clientId is empty/],
    [{ clientId: 7 }, 'invalid_option', /clientId is not a string/],
    [{ scope: undefined }, 'invalid_option', /scope is undefined\. Write what the job needs/],
    [{ scope: ' ' }, 'invalid_option', /scope is empty/],
    [{ clientId: 'app\n' }, 'invalid_option', /clientId ends with a line break\. Remove it/],
    [{ clientId: 'app\r\n' }, 'invalid_option', /clientId ends with a line break/],
    [{ clientId: ' app' }, 'invalid_option', /clientId begins with a space/],
    [{ clientId: 'app\u00a0' }, 'invalid_option', /clientId ends with a space/],
    [{ clientId: 'a\u0000b' }, 'invalid_option', /clientId contains a control character/],
    [{ clientId: 'a\u200bb' }, 'invalid_option', /clientId contains a control character/],
    [{ fhirBaseUrl: `${FHIR}\n` }, 'invalid_option', /fhirBaseUrl ends with a line break/],
    [
      { scope: 'system/Patient.rs, system/Group.rs' },
      'invalid_option',
      /scope has a comma after a scope \("system\/Patient\.rs,"\)/,
    ],
    [{ scope: 'openid,fhirUser' }, 'invalid_option', /comma after a scope.*Separate scopes with spaces/],
    [{ tokenUrls: 'https://ehr.example/files' }, 'invalid_option', /tokenUrls/],
    [{ tokenUrls: ['files'] }, 'insecure_url', /tokenUrls\[0\] is not an absolute URL/],
    [{ tokenUrls: ['https://a.example', 'http://ehr.example/files'] }, 'insecure_url', /tokenUrls\[1\] must be https/],
    [{ tokenUrls: ['https://*.example.com/files'] }, 'invalid_option', /tokenUrls\[0\] has a wildcard in its host/],
    [{ tokenUrls: ['https://ehr.example/files?x=1'] }, 'invalid_option', /tokenUrls\[0\] must have no query/],
    [{ tokenUrls: ['https://a:pass@ehr.example/files'] }, 'invalid_option', /no user name or password/],
    [{ clientAuth: 'client_secret_basic' }, 'invalid_option', /clientAuth must come from clientSecretBasic\(\)/],
    [{ clientAuth: null }, 'invalid_option', /clientAuth must come from clientSecretBasic\(\)/],
    [{ dialect: 'epic' }, 'invalid_option', /dialect must be a dialect: smart\(\)/],
    [{ dialect: null }, 'invalid_option', /dialect must be a dialect: smart\(\)/],
    [
      { metadata: { tokenEndpoint: 'https://x' } },
      'invalid_option',
      /"tokenEndpoint"\. Did you mean "token_endpoint"\?/,
    ],
    [
      { metadata: { token_endpoint: 'http://as.example.com' } },
      'insecure_url',
      /metadata\.token_endpoint must be https/,
    ],
    [{ metadata: { jwks_uri: 'keys' } }, 'insecure_url', /metadata\.jwks_uri is not an absolute URL/],
  ])('refuses %j', async (changes, code, message) => {
    const failure = await failureOf(() => check(changes))
    expect(failure.code).toBe(code)
    expect(failure.message).toMatch(message)
    expect(failure.message).not.toContain('pass@')
  })

  it('a comma within the query of a SMART scope is allowed', () => {
    const scope = 'patient/Observation.rs?category=a,b\n  openid'
    expect(check({ scope }).scope).toBe(scope)
  })

  it.each(['http://localhost:8080/fhir', 'http://127.0.0.1/fhir', 'http://[::1]:9/fhir', 'http://ehr.localhost/fhir'])(
    'DISC-14 plain http is for this machine: %s',
    (fhirBaseUrl) => {
      expect(check({ fhirBaseUrl }).fhirBaseUrl).toBe(fhirBaseUrl)
    },
  )

  it('leaves the object it was given alone', () => {
    const metadata = { token_endpoint: 'https://as.example.com/token' }
    const given = Object.freeze({ ...complete, metadata: Object.freeze(metadata) })
    const client = checkRegistration(given, { flow: 'backend', defaultAuth: publicClient })
    expect(client.metadata).toEqual(metadata)
    expect(client.metadata).not.toBe(metadata)
  })

  it('a dialect can refuse what its vendor cannot do', async () => {
    const seen: unknown[] = []
    const dialect = smart({ check: (use) => seen.push(use) })
    check({ dialect, clientAuth: clientSecretBasic('secret') })
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({ flow: 'backend', authMethod: 'client_secret_basic' })
  })
})

describe('many registrations', () => {
  const other = { ...complete, fhirBaseUrl: 'https://other.example.com/fhir', clientId: 'other' }

  it('are found by base URL, with or without its trailing slash, and by nothing else', () => {
    const { find, listed } = directory({ registrations: [complete, other] })
    expect(listed.map(({ clientId }) => clientId)).toEqual(['app', 'other'])
    expect(find(FHIR)).toBe(listed[0])
    expect(find(`${FHIR}/`)).toBe(listed[0])
    for (const unknown of ['https://ehr.example.com', `${FHIR}//`, `${FHIR}/x`, FHIR.toUpperCase(), '', '__proto__']) {
      expect(find(unknown)).toBeUndefined()
    }
  })

  it('take scope and redirectUri from beside the list if they have none', () => {
    const { scope: _none, ...bare } = complete
    const { listed } = directory({ registrations: [bare, { ...other, scope: 'own' }], scope: 'shared' })
    expect(listed.map(({ scope }) => scope)).toEqual(['shared', 'own'])
  })

  it.each([
    [{ registrations: [] }, /non-empty list/],
    [{ registrations: 'x' }, /non-empty list, or a function/],
    [{ registrations: [complete, { ...complete, fhirBaseUrl: `${FHIR}/` }] }, /two entries have the same fhirBaseUrl/],
    [{ registrations: [complete], clientId: 'app' }, /clientId belongs inside each entry/],
    [{ registrations: [{ ...complete, clientID: 'x' }] }, /unknown option "clientID"\. Did you mean "clientId"/],
    [{ registrations: [null] }, /takes an options object/],
  ])('are refused as a whole: %j', async (source, message) => {
    const failure = await failureOf(() => directory(source))
    expect(failure.code).toBe('invalid_option')
    expect(failure.message).toMatch(message)
  })

  it('may come from a function, checked when they come', async () => {
    const asked: string[] = []
    const registrations: RegistrationResolver = async (fhirBaseUrl) => {
      asked.push(fhirBaseUrl)
      return fhirBaseUrl === FHIR ? complete : undefined
    }
    const { find, listed } = directory({ registrations })
    expect(listed).toEqual([])
    expect(await find(FHIR)).toMatchObject({ clientId: 'app' })
    expect(await find('https://unknown.example.com')).toBeUndefined()
    expect(asked).toEqual([FHIR, 'https://unknown.example.com'])
    const broken = directory({ registrations: async () => ({ ...complete, clientId: undefined }) })
    expect((await failureOf(() => broken.find(FHIR))).code).toBe('invalid_option')
  })

  it('a function that answers with the registration of another server is not believed', async () => {
    const { find } = directory({ registrations: async () => other })
    expect(await find(FHIR)).toBeUndefined()
    expect(await find(other.fhirBaseUrl)).toMatchObject({ clientId: 'other' })
  })
})
