import { describe, expect, it } from 'vitest'
import type { AuthorizationChecks } from '../../src/oauth/authorization-request.ts'
import { checkAuthorizationResponse, stateOfResponse } from '../../src/oauth/authorization-response.ts'

const CHECKS: AuthorizationChecks = {
  state: 'the-state-of-this-login',
  codeVerifier: undefined,
  nonce: undefined,
  fhirBaseUrl: 'https://ehr.example/fhir',
  clientId: 'portal',
  redirectUri: 'https://portal.example/callback',
  scope: 'patient/*.rs',
  tokenEndpoint: 'https://auth.example/token',
  issuer: 'https://auth.example',
  issuerInResponse: false,
}
const state = CHECKS.state
const check = (parameters: Record<string, string> | string, checks: Partial<AuthorizationChecks> = {}) =>
  checkAuthorizationResponse(new URLSearchParams(parameters), { ...CHECKS, ...checks })
const failure = (...args: Parameters<typeof check>) => {
  try {
    check(...args)
  } catch (error) {
    return error
  }
  return undefined
}

describe('an authorization response', () => {
  it('gives its code', () => expect(check({ code: 'abc', state })).toBe('abc'))

  it.each([
    ['altered', 'the-state-of-this-logiN'],
    ['shortened', state.slice(1)],
    ['extended', `${state}x`],
  ])('STATE-02 is refused with an %s state', (_, other) => {
    expect(failure({ code: 'abc', state: other })).toMatchObject({ code: 'state_mismatch' })
  })

  it.each([{ code: 'abc' }, { code: 'abc', state: '' }])('STATE-02 is refused without a state', (parameters) => {
    expect(failure(parameters)).toMatchObject({ code: 'invalid_callback' })
  })

  it.each(['code', 'state', 'iss', 'error', 'error_description', 'error_uri'])(
    'CB-05 is refused when %s stands in it twice, even with the same value',
    (name) => {
      const parameters = new URLSearchParams({ code: 'abc', state })
      parameters.set(name, parameters.get(name) ?? 'x')
      parameters.append(name, parameters.get(name) ?? 'x')
      expect(failure(parameters.toString())).toMatchObject({
        code: 'invalid_callback',
        message: expect.stringContaining(`"${name}"`),
      })
      expect(() => stateOfResponse(parameters)).toThrow('twice')
    },
  )

  it('CB-04 may have parameters this library does not know, twice as well', () => {
    const unknown = 'session_state=s&scope=a+b&scopes=c&scopes=d&__proto__=x&code_challenge=y'
    expect(check(`code=abc&state=${state}&${unknown}`)).toBe('abc')
  })

  it('is refused with neither code nor error', () => {
    expect(failure({ state })).toMatchObject({ code: 'invalid_callback' })
    expect(failure({ state, code: '' })).toMatchObject({ code: 'invalid_callback' })
  })
})

describe('the issuer in it (RFC 9207)', () => {
  const iss = 'https://auth.example'
  it.each([
    ['right', { iss }, {}, true],
    ['right and promised', { iss }, { issuerInResponse: true }, true],
    ['absent and not promised', {}, {}, true],
    ['missing though promised', {}, { issuerInResponse: true }, false],
    ["another server's", { iss: 'https://evil.example' }, {}, false],
    ['right but for a slash', { iss: `${iss}/` }, {}, false],
    ['right but for case', { iss: 'https://AUTH.example' }, {}, false],
    ['empty', { iss: '' }, {}, false],
  ])('CB-02 SEC-05 is %s', (_, sent, checks, accepted) => {
    for (const rest of [{ code: 'abc' }, { error: 'access_denied', error_description: 'attacker text' }]) {
      const error = failure({ state, ...rest, ...sent }, checks)
      const expected = 'code' in rest ? undefined : { code: 'authorization_denied' }
      if (!accepted) {
        expect(error).toMatchObject({ code: 'issuer_mismatch' })
        expect(String(error)).not.toContain('attacker text')
      } else if (expected) expect(error).toMatchObject(expected)
      else expect(error).toBeUndefined()
    }
  })

  it('CB-03 is compared with the issuer of the authorization server, never with the FHIR base URL', () => {
    expect(failure({ code: 'abc', state, iss: CHECKS.fhirBaseUrl })).toMatchObject({ code: 'issuer_mismatch' })
  })

  it('CB-03 RFC 9207 §2.4 is refused where no issuer is known to compare it with, naming the remedy', () => {
    const attempt = () => check({ code: 'abc', state, iss: 'https://whoever.example' }, { issuer: undefined })
    expect(attempt).toThrow(expect.objectContaining({ code: 'issuer_mismatch' }))
    expect(attempt).toThrow(/Set metadata\.issuer/)
  })
})

describe('an error response', () => {
  it('CB-06 differs from a denial, and keeps the fields of the server', () => {
    const fields = { error_description: 'no such scope', error_uri: 'https://auth.example/errors/7' }
    expect(failure({ state, error: 'invalid_scope', ...fields })).toMatchObject({
      code: 'authorization_failed',
      status: 502,
      error: 'invalid_scope',
      ...fields,
    })
    expect(failure({ state, error: 'access_denied' })).toMatchObject({ code: 'authorization_denied', status: 403 })
  })

  it('CB-06 counts for nothing before the state is right', () => {
    const error = failure({ state: 'x', error: 'server_error', error_description: 'attacker text' })
    expect(error).toMatchObject({ code: 'state_mismatch', error: undefined, error_description: undefined })
    expect(String(error)).not.toContain('attacker text')
  })

  it.each(['javascript:alert(1)', 'data:text/html,x', 'not a url'])('CB-06 loses an error_uri like %s', (error_uri) => {
    expect(failure({ state, error: 'server_error', error_uri })).toMatchObject({ error_uri: undefined })
  })

  it('CB-06 counts even when a code comes with it', () => {
    expect(failure({ state, code: 'abc', error: 'server_error' })).toMatchObject({ code: 'authorization_failed' })
  })
})
