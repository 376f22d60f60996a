import { expect, it } from 'vitest'
import { smart } from '../../src/index.ts'

const context = { clientId: 'app', fhirBaseUrl: 'https://ehr.example.com', grantType: 'authorization_code' } as const

it('TOK-05 TOK-03 JWT-04 JWT-08 JWT-09 adds nothing to what SMART App Launch 2.2 says', () => {
  const { name, discovery, authorization, token, assertion, scopes, idToken, check } = smart()
  expect(name).toBe('smart')
  expect(discovery).toEqual({ url: undefined, issuer: undefined })
  expect(authorization).toMatchObject({
    audienceParameter: 'aud',
    pkce: 'force',
    nonce: true,
    method: 'GET',
    parameters: {},
  })
  expect(token).toMatchObject({
    sendClientId: 'public',
    assumeBearer: false,
    acceptedTypes: [],
    defaultLifetimeSeconds: 300,
  })
  expect(token.parameters(context)).toEqual({})
  expect(assertion).toMatchObject({ audience: 'token_endpoint', typ: 'JWT', jku: undefined, omitClaims: [] })
  expect(assertion.lifetimeSeconds).toBeLessThanOrEqual(300)
  expect(assertion.claims(context)).toEqual({})
  for (const translate of [scopes.encode, scopes.decode]) expect(translate('patient/*.rs')).toBe('patient/*.rs')
  expect(idToken).toMatchObject({ mode: 'verify', audience: undefined, issuer: undefined, skipChecks: [] })
  expect(() => check({ flow: 'backend', authMethod: 'none', scope: '' })).not.toThrow()
})

it('TOK-03 single rules can be changed for a server that is almost right', () => {
  const changed = smart({ token: { sendClientId: 'always' } })
  expect(changed.name).toBe('smart')
  expect(changed.token).toMatchObject({ sendClientId: 'always', assumeBearer: false })
})
