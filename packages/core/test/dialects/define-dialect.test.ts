import { describe, expect, it } from 'vitest'
import { createBackendServices, defineDialect, loadKeySet, oracleHealth, smart } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { readJwt, rsaJwk } from '../support/signing-jwks.ts'
import { grantOf, sendJson, startTokenServer } from '../support/token-server.ts'

describe('defineDialect()', () => {
  it('BSV-01 SCP-12 JWT-03 sends the request that the rules describe, and nothing else of it changes', async () => {
    const dialect = defineDialect('clinicware', {
      token: { parameters: ({ clientId }) => ({ client_id: clientId }) },
      assertion: { algorithms: ['RS512'], typ: 'client-authentication+jwt', audience: 'fhir_base' },
      scopes: { encode: (scope) => scope.replace('/', '-'), decode: (scope) => scope.replace('-', '/') },
    })
    const server = await startTokenServer((_, response) =>
      sendJson(response, { ...grantOf(1), scope: 'system-Patient.rs' }),
    )
    const { fhirBaseUrl } = server
    const keys = await loadKeySet({ keys: [rsaJwk(), { ...rsaJwk(), alg: 'RS512' }] })
    const scope = 'system/Patient.rs'
    const fhir = await createBackendServices({ fhirBaseUrl, clientId: 'job', keys, dialect, scope }).context()

    const form = server.tokenRequests[0]?.form
    expect([...(form?.keys() ?? [])].sort()).toEqual([
      'client_assertion',
      'client_assertion_type',
      'client_id',
      'grant_type',
      'scope',
    ])
    expect([form?.get('client_id'), form?.get('scope')]).toEqual(['job', 'system-Patient.rs'])
    const { header, claims } = readJwt(form?.get('client_assertion'))
    expect(header).toMatchObject({ alg: 'RS512', typ: 'client-authentication+jwt' })
    expect(claims.aud).toBe(fhirBaseUrl)
    expect(fhir.scope.toString()).toBe(scope)
  })

  it('starts from another dialect and keeps what it does not set', () => {
    const base = oracleHealth()
    const ours = defineDialect('ours', { idToken: { mode: 'ignore' }, token: { assumeBearer: undefined } }, base)
    expect(ours.idToken).toEqual({ ...base.idToken, mode: 'ignore' })
    expect([ours.check, ours.token]).toEqual([base.check, base.token])
    expect(base.idToken.mode).toBe('verify')
  })

  it('makes a value that nobody can change', () => {
    const dialect = smart({ token: { assumeBearer: true } })
    expect([dialect, dialect.token, dialect.idToken].map(Object.isFrozen)).toEqual([true, true, true])
  })

  it('tells its check how the client is used, its scope included', async () => {
    const uses: unknown[] = []
    const dialect = defineDialect('noted', { check: (use) => uses.push(use) })
    const options = { fhirBaseUrl: 'https://ehr.example/r4', clientId: 'job', scope: 'system/Patient.rs' }
    createBackendServices({ ...options, dialect, keys: await loadKeySet(rsaJwk()) })
    expect(uses).toEqual([{ flow: 'backend', authMethod: 'private_key_jwt', scope: 'system/Patient.rs' }])
  })

  it.each([
    [{ tokens: {} }, /unknown option "tokens". Did you mean "token"/],
    [
      { assertion: { lifetimeSecond: 60 } },
      /assertion: unknown option "lifetimeSecond". Did you mean "lifetimeSeconds"/,
    ],
    [{ assertion: { lifetimeSeconds: 301 } }, /lifetimeSeconds is 301. Use more than 0 and at most 300/],
    [{ assertion: { lifetimeSeconds: 0 } }, /lifetimeSeconds is 0/],
  ])('JWT-09 JWT-13 refuses %o', async (overrides, message) => {
    const failure = await failureOf(() => defineDialect('mistaken', overrides as object))
    expect([failure.code, failure.message]).toEqual(['invalid_option', expect.stringMatching(message)])
  })
})
