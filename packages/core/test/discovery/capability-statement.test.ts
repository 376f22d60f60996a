import fc from 'fast-check'
import { expect, it } from 'vitest'
import { endpointsOfCapabilityStatement } from '../../src/discovery/capability-statement.ts'

const OAUTH_URIS = 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris'

const statement = (url: unknown, extension: unknown) => ({ rest: [{ security: { extension: [{ url, extension }] } }] })

it.each([OAUTH_URIS, OAUTH_URIS.replace('fhir-registry', 'FHIR-registry')])(
  'DISC-09 knows the extension whatever the case of its URL: %s',
  (url) => {
    const extension = [{ url: 'token', valueUri: 'https://as.example.com/token' }]
    expect(endpointsOfCapabilityStatement(statement(url, extension))).toEqual({
      token_endpoint: 'https://as.example.com/token',
    })
  },
)

it('DISC-09 leaves other extensions, unknown children and values that are no text alone', () => {
  expect(endpointsOfCapabilityStatement(statement('https://other', [{ url: 'token', valueUri: 'https://a' }]))).toEqual(
    {},
  )
  const children = [
    { url: 'constructor', valueUri: 'https://a' },
    { url: 'token', valueUri: 7 },
    { url: 'token', valueUri: 'https://first' },
    { url: 'token', valueUri: 'https://second' },
    null,
    'text',
  ]
  expect(endpointsOfCapabilityStatement(statement(OAUTH_URIS, children))).toEqual({ token_endpoint: 'https://first' })
})

it('DISC-09 reads any JSON without throwing', () => {
  expect(endpointsOfCapabilityStatement(statement({ toString: null }, []))).toEqual({})
  const anything = fc.jsonValue()
  const text = fc.oneof(fc.constantFrom(OAUTH_URIS, 'token', 'authorize', '__proto__', 'toString'), anything)
  const child = fc.oneof(anything, fc.record({ url: text, valueUri: text }))
  const extension = fc.oneof(anything, fc.record({ url: text, extension: fc.array(child) }))
  const rest = fc.oneof(anything, fc.record({ security: fc.record({ extension: fc.array(extension) }) }))
  fc.assert(
    fc.property(fc.oneof(fc.array(rest), anything), (value) => {
      for (const url of Object.values(endpointsOfCapabilityStatement({ rest: value }))) expect(url).toBeTypeOf('string')
    }),
    { numRuns: 500 },
  )
})

it('DISC-09 reads valueUrl where a server writes that in place of valueUri, which counts first', () => {
  const extension = [
    { url: 'token', valueUrl: 'https://as.example.com/token' },
    { url: 'authorize', valueUrl: 'https://wrong.example', valueUri: 'https://as.example.com/authorize' },
    { url: 'revoke', valueUrl: 7 },
  ]
  expect(endpointsOfCapabilityStatement(statement(OAUTH_URIS, extension))).toEqual({
    token_endpoint: 'https://as.example.com/token',
    authorization_endpoint: 'https://as.example.com/authorize',
  })
})
