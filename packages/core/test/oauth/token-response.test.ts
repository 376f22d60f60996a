import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { intelichart, smart } from '../../src/index.ts'
import { isDueForRenewal, isUsable } from '../../src/oauth/token-lifetime.ts'
import { readTokenResponse, type TokenResponse } from '../../src/oauth/token-response.ts'

const REQUESTED_AT = 1_700_000_000_000
const REQUESTED_SCOPE = 'launch/patient patient/*.rs'

function read(body: object, rules = smart().token): TokenResponse {
  return readTokenResponse({ ...body }, rules, REQUESTED_AT, REQUESTED_SCOPE)
}
const bearer = (members: object = {}) => ({ access_token: 'an-access-token', token_type: 'Bearer', ...members })
const refused = expect.objectContaining({ code: 'invalid_token_response' })

describe('token_type', () => {
  it.each(['Bearer', 'bearer', 'BEARER'])('RSP-01 takes token_type %s: its case does not matter', (token_type) => {
    expect(read(bearer({ token_type })).accessToken).toBe('an-access-token')
  })

  it.each([
    ['DPoP', 'DPoP'],
    ['mac', 'mac'],
    ['an empty text', ''],
    ['null', null],
    ['a number', 1],
    ['a list', ['Bearer']],
    ['an object that cannot become text', { toString: 1, valueOf: 1 }],
    ['none at all', undefined],
  ])('RSP-01 refuses a token_type that is not Bearer: %s', (_name, token_type) => {
    expect(() => read(bearer({ token_type }))).toThrow(refused)
  })

  it('RSP-01 takes a missing token_type as Bearer only where the dialect says so', () => {
    const body = { access_token: 'an-access-token' }
    expect(read(body, intelichart().token).accessToken).toBe('an-access-token')
    expect(() => read({ ...body, token_type: 'DPoP' }, intelichart().token)).toThrow(refused)
  })
})

describe('members that cannot be read', () => {
  it.each<[string, unknown]>([
    ['expires_in', 'soon'],
    ['expires_in', 'PT1H'],
    ['expires_in', { seconds: 3600 }],
    ['expires_in', { toString: 1, valueOf: 1 }],
    ['expires_in', [3600]],
    ['expires_in', true],
    ['refresh_token', 7],
    ['id_token', { jwt: 'a' }],
  ])('RSP-02 %s of %j is taken as missing, and named', (name, value) => {
    expect(read(bearer({ [name]: value }))).toMatchObject({ unread: [name], lifetimeSeconds: 300 })
  })

  it.each([undefined, null, '', 0, -1, '0', 0.5])(
    'RSP-02 expires_in of %j says that there is no lifetime',
    (expires_in) => {
      expect(read(bearer({ expires_in, refresh_token: null, id_token: '' }))).toMatchObject({
        unread: [],
        lifetimeSeconds: 300,
      })
    },
  )

  it.each(['3600', ' 3600 ', 3600, '3600.7'])('RSP-02 expires_in of %j is an hour', (expires_in) => {
    expect(read(bearer({ expires_in }))).toMatchObject({ unread: [], lifetimeSeconds: 3600 })
  })
})

describe('token_type by another word', () => {
  const rules = smart({ token: { acceptedTypes: ['BearerToken'] } }).token

  it('RSP-01 RFC 6749 §7.1: BearerToken is refused, and the message names the rule that takes it', () => {
    const message = `has token_type "BearerToken" instead of Bearer. If the vendor says that it is a bearer token, use a dialect with token: { acceptedTypes: ['BearerToken'] }.`
    expect(() => read(bearer({ token_type: 'BearerToken' }))).toThrow(message)
    expect(() => read({ access_token: 'a' })).toThrow('use a dialect with token: { assumeBearer: true }.')
  })

  it.each(['BearerToken', 'bearertoken', 'Bearer'])('RSP-01 a dialect that names it takes %s', (token_type) => {
    expect(read(bearer({ token_type }), rules).accessToken).toBe('an-access-token')
  })

  it.each(['DPoP', 'Token', '', undefined, null])('RSP-01 and %j is refused as before', (token_type) => {
    expect(() => read(bearer({ token_type }), rules)).toThrow(refused)
  })

  it.each([
    [['DPoP'], /"DPoP", which is not a bearer token/],
    [['BearerToken', 'mac'], /"mac", which is not a bearer token/],
    ['BearerToken', /must be a list of words/],
    [[''], /must be a list of words/],
    [[1], /must be a list of words/],
  ])('RSP-01 acceptedTypes of %j is refused when the dialect is made', (acceptedTypes, message) => {
    expect(() => smart({ token: { acceptedTypes: acceptedTypes as string[] } })).toThrow(message)
  })
})

describe('access_token', () => {
  it.each([
    ['missing', undefined],
    ['null', null],
    ['empty', ''],
    ['a number', 12],
    ['with a line break, which would break the header', 'a\r\nx-evil: 1'],
    ['with a space', 'two words'],
    ['not ASCII', 'tökén'],
  ])('RSP-11 refuses an access_token that fits no Authorization header: %s', (_name, access_token) => {
    const attempt = () => read(bearer({ access_token }))
    expect(attempt).toThrow(refused)
    if (typeof access_token !== 'string' || access_token === '') return
    expect(attempt).not.toThrow(access_token)
  })

  it.each(['opaque', 'a.b', 'eyJhbGciOiJub25lIn0.bm90IGpzb24.', '~+/=._-', 'x'.repeat(20_000)])(
    'RSP-03 never parses an access token: anything a header can carry is taken as it is (%#)',
    (access_token) => {
      expect(read(bearer({ access_token })).accessToken).toBe(access_token)
    },
  )
})

describe('expires_in', () => {
  it.each([
    ['a number', 120, 120],
    ['a numeric text', '120', 120],
    ['a fraction', 90.5, 90],
    ['less than a second', 0.5, 300],
    ['less than a clock can tell', 5e-324, 300],
    ['missing', undefined, 300],
    ['null', null, 300],
    ['zero', 0, 300],
    ['negative', -5, 300],
    ['an empty text', ' ', 300],
    ['words', 'one hour', 300],
    ['a list', [120], 300],
    ['infinite, as JSON can write it', JSON.parse('1e999'), 300],
    ['more than a year, a mistake in the unit', 1e12, 365 * 24 * 3600],
  ])('RSP-02 reads expires_in %s', (_name, expires_in, lifetimeSeconds) => {
    const response = read(bearer({ expires_in }))
    expect(response.lifetimeSeconds).toBe(lifetimeSeconds)
    expect(response.expiresAt).toBe(REQUESTED_AT + lifetimeSeconds * 1000)
  })

  it('RSP-02 without expires_in the dialect decides, and InteliChart never trusts a token longer than was asked for', () => {
    expect(read(bearer(), smart({ token: { defaultLifetimeSeconds: 60 } }).token).lifetimeSeconds).toBe(60)
    expect(read(bearer(), intelichart({ accessTokensExpireInMinutes: 2 }).token).lifetimeSeconds).toBe(120)
    expect(read(bearer(), intelichart({ accessTokensExpireInMinutes: 60 }).token).lifetimeSeconds).toBe(300)
  })

  it('RSP-03 a token is renewed and no longer used before the whole of expires_in has passed', () => {
    const token = read(bearer({ expires_in: 300 }))
    expect(isUsable(token, token.expiresAt - 6_000)).toBe(true)
    expect(isUsable(token, token.expiresAt - 1_000)).toBe(false)
    expect(isDueForRenewal(token, token.expiresAt - 29_000)).toBe(true)
    expect(isDueForRenewal(token, token.expiresAt - 31_000)).toBe(false)
  })
})

describe('scope', () => {
  it.each([
    ['the same', 'launch/patient patient/*.rs', 'launch/patient patient/*.rs'],
    ['narrower', 'patient/Patient.r', 'patient/Patient.r'],
    ['broader', 'user/*.cruds patient/*.cruds', 'user/*.cruds patient/*.cruds'],
    ['empty: nothing was granted', '', ''],
    ['missing: as requested', undefined, REQUESTED_SCOPE],
    ['a list of texts', ['openid', 'patient/Patient.rs'], 'openid patient/Patient.rs'],
    ['an empty list: nothing was granted', [], ''],
  ])('RSP-04 the granted scope is what the server says: %s', (_name, scope, granted) => {
    expect(read(bearer({ scope })).scope).toBe(granted)
  })

  it.each([null, 5, true, { 'patient/*.rs': true }, ['patient/*.rs', 5], [['patient/*.rs']]])(
    'RSP-04 RFC 6749 §5.1: a scope of another type is refused, and never taken for all that was asked: %j',
    (scope) => {
      expect(() => read(bearer({ scope }))).toThrow(refused)
    },
  )
})

describe('other members', () => {
  it('RSP-05 keeps unknown members readable, null and URI-named ones included, and apart from the tokens', () => {
    const unknown = { state: null, __dark: { theme: 1 }, 'https://vendor.example/extension': ['x'], patient: '1' }
    const response = read(bearer({ ...unknown, expires_in: 60, refresh_token: 'r', id_token: 'i', scope: 's' }))
    expect(response.members).toEqual(unknown)
  })

  it.each([null, '', 5, {}])('RSP-05 a refresh_token or id_token of no use (%j) counts as absent', (value) => {
    const response = read(bearer({ refresh_token: value, id_token: value }))
    expect([response.refreshToken, response.idToken]).toEqual([undefined, undefined])
  })

  it('SEC-09 a member named __proto__ stays a member and changes no prototype', () => {
    const body = JSON.parse('{"access_token":"t","token_type":"bearer","__proto__":{"polluted":true}}')
    const { members } = readTokenResponse(body, smart().token, REQUESTED_AT, '')
    expect(Object.keys(members)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(members)).toBe(Object.prototype)
    expect(members).not.toHaveProperty('polluted')
    expect({}).not.toHaveProperty('polluted')
  })

  it('SEC-09 access_token and token_type are read from the body itself, not from a __proto__ in it', () => {
    const body = JSON.parse('{"__proto__":{"access_token":"t","token_type":"bearer"}}')
    expect(() => readTokenResponse(body, smart().token, REQUESTED_AT, '')).toThrow(refused)
  })
})

describe('any JSON at all', () => {
  const keys = fc.oneof(
    fc.constantFrom('access_token', 'token_type', 'expires_in', 'scope', 'refresh_token', 'id_token', '__proto__'),
    fc.string(),
  )
  // Written and parsed, as JSON.parse alone makes own properties named __proto__.
  const body = fc
    .array(fc.tuple(keys, fc.oneof(fc.jsonValue(), fc.constantFrom('Bearer', 'token', { toString: null }))))
    .map((entries) =>
      JSON.parse(`{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)}}`),
    )

  it('RSP-05 SEC-09 is read, or refused by the one typed error, and no prototype changes', () => {
    fc.assert(
      fc.property(body, (candidate) => {
        let response: TokenResponse
        try {
          response = readTokenResponse(candidate, smart().token, REQUESTED_AT, REQUESTED_SCOPE)
        } catch (error) {
          expect(error).toEqual(refused)
          return
        }
        expect(response.accessToken).toMatch(/^[\x21-\x7e]+$/)
        expect(response.expiresAt).toBeGreaterThanOrEqual(REQUESTED_AT + 1000)
        expect(Number.isSafeInteger(response.expiresAt)).toBe(true)
        expect(typeof response.scope).toBe('string')
        expect(Object.getPrototypeOf(response.members)).toBe(Object.prototype)
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: 500, examples: [[JSON.parse('{"access_token":"t","token_type":{"toString":null}}')]] },
    )
  })
})
