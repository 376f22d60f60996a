import { describe, expect, it } from 'vitest'
import { createBackendServices, createSmartLaunch, defineDialect, loadKeySet, smart } from '../../src/index.ts'
import { createAuthorizationRequest } from '../../src/oauth/authorization-request.ts'
import { failureOf } from '../support/failure-of.ts'
import { registeredClient } from '../support/registered-client.ts'
import { rsaJwk } from '../support/signing-jwks.ts'

const METADATA = {
  ...{ authorization_endpoint: 'https://as.example/authorize', token_endpoint: 'https://as.example/token' },
  ...{ sources: [], documents: [] },
}
const asked = async (parameters: unknown) => {
  const dialect = smart({ authorization: { parameters } as object })
  const client = { ...registeredClient({ dialect }), redirectUri: 'https://app.example/callback' }
  return (await createAuthorizationRequest(client, METADATA)).parameters.get('resource')
}

describe('parameters of the authorization and of the token request take the same forms', () => {
  const context = { clientId: 'app', fhirBaseUrl: 'https://ehr.example/fhir', grantType: 'authorization_code' } as const

  it('AUTHZ-08 an object, or a function of the request', async () => {
    expect(await asked({ resource: 'a' })).toBe('a')
    expect(await asked(({ grantType, clientId }: typeof context) => ({ resource: `${grantType} ${clientId}` }))).toBe(
      `authorization_code ${registeredClient().clientId}`,
    )
    for (const parameters of [{ resource: 'a' }, () => ({ resource: 'a' })]) {
      expect(smart({ token: { parameters } }).token.parameters(context)).toEqual({ resource: 'a' })
      expect(smart({ assertion: { claims: parameters } }).assertion.claims(context)).toEqual({ resource: 'a' })
    }
  })

  it('what a function returns is checked when it is called, and the message names the rule', async () => {
    for (const [returned, fault] of [
      [undefined, /What defineDialect\("smart"\)\.token\.parameters returns must be an object/],
      [{ resource: undefined }, /"resource" must be text, and is undefined/],
    ] as const) {
      const dialect = smart({ token: { parameters: (() => returned) as never } })
      expect(await failureOf(() => dialect.token.parameters(context))).toMatchObject({
        code: 'invalid_option',
        message: expect.stringMatching(fault),
      })
    }
  })
})

const text = 7
const WRONG: [string, unknown][] = [
  ['discovery.url', text],
  ['discovery.url', 'not a url'],
  ['discovery.issuer', () => 'https://issuer.example'],
  ['authorization.audienceParameter', 'resource'],
  ['authorization.pkce', true],
  ['authorization.nonce', 'false'],
  ['authorization.method', 'post'],
  ['authorization.parameters', 'resource=a'],
  ['authorization.parameters', [['resource', 'a']]],
  ['authorization.parameters', { resource: undefined }],
  ['authorization.parameters', null],
  ['token.sendClientId', true],
  ['token.parameters', { resource: 5 }],
  ['token.parameters', 'resource=a'],
  ['token.assumeBearer', 'true'],
  ['token.acceptedTypes', 'BearerToken'],
  ['token.defaultLifetimeSeconds', '300'],
  ['token.defaultLifetimeSeconds', 0],
  ['assertion.audience', 'https://as.example'],
  ['assertion.audience', { literal: undefined }],
  ['assertion.audience', { literal: 'a', also: 'b' }],
  ['assertion.lifetimeSeconds', '240'],
  ['assertion.typ', ''],
  ['assertion.algorithms', 'RS384'],
  ['assertion.algorithms', ['HS256']],
  ['assertion.jku', 'http://public.example/jwks'],
  ['assertion.header', 'x5t'],
  ['assertion.header', ['kid']],
  ['assertion.claims', 'jwks_url'],
  ['assertion.omitClaims', ['sub']],
  ['scopes.encode', { '/': '-' }],
  ['scopes.decode', 'x'],
  ['idToken.mode', 'off'],
  ['idToken.audience', { aud: 'a' }],
  ['idToken.issuer', /tenant/],
  ['idToken.issuer', ['https://issuer.example']],
  ['idToken.skipChecks', 'nonce'],
  ['idToken.skipChecks', ['signature']],
]

describe('a rule of the wrong type is refused when the dialect is made, not ignored', () => {
  it.each(WRONG)('%s: %o', async (rule, value) => {
    const [part = '', name = ''] = rule.split('.')
    const failure = await failureOf(() => defineDialect('mistaken', { [part]: { [name]: value } }))
    expect(['invalid_option', 'insecure_url']).toContain(failure.code)
    expect(failure.message).toContain(`defineDialect("mistaken").${rule}`)
  })

  it('each rule of smart() has a wrong value in the list above', () => {
    const rules = Object.entries(smart()).flatMap(([part, members]) =>
      typeof members === 'object' ? Object.keys(members).map((name) => `${part}.${name}`) : [],
    )
    expect(new Set(WRONG.map(([rule]) => rule))).toEqual(new Set(rules))
  })

  it.each([{}, 'backend', null])('check: %o', async (check) => {
    const failure = await failureOf(() => defineDialect('mistaken', { check } as object))
    expect([failure.code, failure.message]).toEqual([
      'invalid_option',
      expect.stringMatching(/check must be a function/),
    ])
  })

  it('a changed copy of a dialect is read like one, when it is given to a factory', async () => {
    const base = { fhirBaseUrl: 'https://ehr.example/fhir', clientId: 'app', scope: 'system/Patient.rs' }
    const keys = await loadKeySet(rsaJwk())
    const copy = { ...smart(), token: { ...smart().token, sendClientId: true as never } }
    const failure = await failureOf(() => createBackendServices({ ...base, keys, dialect: copy }))
    expect(failure.message).toMatch(/token\.sendClientId must be 'public' or 'always'/)
    const good = { ...smart(), authorization: { ...smart().authorization, parameters: { resource: 'a' } as never } }
    const session = { secret: crypto.randomUUID() }
    const redirectUri = 'https://app.example/callback'
    expect(() => createSmartLaunch({ ...base, scope: 'openid', redirectUri, session, dialect: good })).not.toThrow()
  })
})
