import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readMembers, requireEndpoint } from '../../src/discovery/server-metadata.ts'
import { FhirAuthError } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'

const BASE = 'https://ehr.example.com/fhir'

it('DISC-05 members of the wrong type count as missing', () => {
  const document = {
    issuer: 7,
    token_endpoint: ['https://a'],
    authorization_endpoint: '',
    capabilities: 'launch-ehr',
    scopes_supported: ['openid', 7, null],
    authorization_response_iss_parameter_supported: 'perhaps',
  }
  expect(readMembers(document, BASE)).toEqual({ scopes_supported: ['openid'] })
})

it.each([
  [true, true],
  ['true', true],
  ['false', false],
])('RFC 9207 §3: a promise to name the issuer counts as text too: %j', (sent, read) => {
  const name = 'authorization_response_iss_parameter_supported'
  expect(readMembers({ [name]: sent }, BASE)).toEqual({ [name]: read })
})

it('DISC-04 an absolute endpoint stays exactly as written', () => {
  const url = 'https://AS.example.com:443/oauth2/../token'
  expect(readMembers({ token_endpoint: url }, BASE).token_endpoint).toBe(url)
})

it('AUTH-X2 reads the methods under the name that one vendor gives them, and prefers the standard one', () => {
  expect(readMembers({ token_endpoint_auth_methods: ['private_key_jwt', 7] }, BASE)).toEqual({
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
  })
  const both = { token_endpoint_auth_methods: ['none'], token_endpoint_auth_methods_supported: ['private_key_jwt'] }
  expect(readMembers(both, BASE)).toEqual({ token_endpoint_auth_methods_supported: ['private_key_jwt'] })
})

it.each([
  'authorization_endpoint',
  'token_endpoint',
  'jwks_uri',
  'introspection_endpoint',
  'revocation_endpoint',
  'end_session_endpoint',
])('DISC-14 %s must be https', async (name) => {
  const failure = await failureOf(() => readMembers({ [name]: 'http://ehr.example.com/x' }, BASE))
  expect(failure.code).toBe('insecure_url')
  expect(failure.message).toContain(name)
})

it('DISC-05 a missing endpoint is named, with the documents that lack it and the remedy', async () => {
  const metadata = { sources: ['https://ehr.example.com/a', 'https://ehr.example.com/b'], documents: [] }
  const failure = await failureOf(() => requireEndpoint(metadata, 'revocation_endpoint'))
  expect(failure.code).toBe('missing_endpoint')
  expect(failure.message).toContain('https://ehr.example.com/a, https://ehr.example.com/b')
  expect(failure.message).toContain('Set metadata.revocation_endpoint')
})

it('DISC-05 documents are named on one line, without their query', async () => {
  const metadata = { sources: ['configuration', 'https://ehr.example.com/a\nb?key=secret'], documents: [] }
  const failure = await failureOf(() => requireEndpoint(metadata, 'jwks_uri'))
  expect(failure.message).toContain('(read: configuration, https://ehr.example.com/ab)')
})

it('DISC-05 any JSON object is read, or refused as insecure', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.webUrl(), fc.jsonValue(), (document, url, value) => {
      try {
        readMembers({ ...document, token_endpoint: value, jwks_uri: url, issuer: value }, BASE)
      } catch (error) {
        expect((error as FhirAuthError).code).toBe('insecure_url')
        expect(error).toBeInstanceOf(FhirAuthError)
      }
    }),
    { numRuns: 300 },
  )
})
