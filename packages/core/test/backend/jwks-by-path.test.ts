import { describe, expect, it } from 'vitest'
import { type BackendServicesOptions, createBackendServices, loadKeySet, privateKeyJwt } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { ecJwk } from '../support/signing-jwks.ts'

const [own, keysOfA, keysOfB] = await Promise.all(['own', 'a', 'b'].map((kid) => loadKeySet({ ...ecJwk(), kid })))
const request = (url: string) => ({ method: 'GET', url, header: () => undefined })
const SERVER = { clientId: 'job', scope: 'system/Patient.rs' }

async function kidsAt(services: ReturnType<typeof createBackendServices>, url: string): Promise<string[]> {
  const { body } = await services.answer(request(url))
  return (JSON.parse(body).keys as { kid: string }[]).map(({ kid }) => kid)
}

describe('a JWKS for each tenant with keys of its own', () => {
  it('JWKS-02 stands at its own path, and at no other', async () => {
    const services = createBackendServices({
      keys: own,
      jwksByPath: { '/tenants/a/jwks.json': keysOfA!, '/tenants/b/jwks.json': keysOfB! },
      registrations: [
        { ...SERVER, fhirBaseUrl: 'https://a.example/fhir', clientAuth: privateKeyJwt(keysOfA) },
        { ...SERVER, fhirBaseUrl: 'https://b.example/fhir', clientAuth: privateKeyJwt(keysOfB) },
      ],
    })
    expect(await kidsAt(services, '/tenants/a/jwks.json?x=1')).toEqual(['a'])
    expect(await kidsAt(services, '/tenants/b/jwks.json')).toEqual(['b'])
    expect(await kidsAt(services, '/.well-known/jwks.json')).toEqual(['own'])
    expect([...services.paths].sort()).toEqual([
      '/.well-known/jwks.json',
      '/tenants/a/jwks.json',
      '/tenants/b/jwks.json',
    ])
    expect(services.paths.every((path) => services.handles(`${path}?x=1`))).toBe(true)
    expect(
      ['/tenants/c/jwks.json', '/tenants/a', '/tenants/a/jwks.json/', '/'].some((url) => services.handles(url)),
    ).toBe(false)
    expect(services.withScope('system/*.rs').paths).toEqual([])
  })

  it.each<[string, object, RegExp]>([
    ['a list', { jwksByPath: ['/a'] }, /"0" must be a path/],
    ['a path without a slash', { jwksByPath: { 'a.json': own } }, /jwksByPath: "a.json" must be a path/],
    ['a private JWKS', { jwksByPath: { '/a.json': { keys: [] } } }, /jwksByPath\["\/a.json"\] must be a key set/],
    ['the path of keys', { jwksByPath: { '/.well-known/jwks.json': own } }, /Set jwksPath to another path/],
  ])('refuses %s', async (_name, options, message) => {
    const all = { ...SERVER, fhirBaseUrl: 'https://a.example/fhir', keys: own, ...options } as BackendServicesOptions
    expect(await failureOf(() => createBackendServices(all))).toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(message),
    })
  })
})

describe('backend services that only serve keys', () => {
  it('JWKS-02 need no server: for a launch with privateKeyJwt()', async () => {
    const services = createBackendServices({ keys: own, jwksPath: '/keys.json' })
    expect(await kidsAt(services, '/keys.json')).toEqual(['own'])
    expect(await services.contextFor(request('/'))).toBeUndefined()
    expect(await failureOf(async () => services.context())).toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(/only serves the JWKS. Give it fhirBaseUrl, clientId and scope/),
    })
    expect(services.health().isHealthy).toBe(true)
    expect((await services.probe()).isHealthy).toBe(true)
  })

  it.each<[string, object]>([
    ['nothing at all', {}],
    ['no path for the keys', { keys: own, jwksPath: false }],
    ['a client without a server', { keys: own, clientId: 'job' }],
    ['an environment where the server is missing', { keys: own, fhirBaseUrl: undefined, clientId: undefined }],
    ['a scope without a server', { keys: own, scope: 'system/*.rs' }],
  ])('are not what was meant by %s', async (_name, options) => {
    expect((await failureOf(() => createBackendServices(options as BackendServicesOptions))).code).toBe(
      'invalid_option',
    )
  })
})
