import { createPublicKey, verify } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { signClientAssertion } from '../../src/client/client-assertion.ts'
import type { ClientAuthContext } from '../../src/client/client-auth-context.ts'
import { type Dialect, type DialectOverrides, intelichart, type KeySet, loadKeySet, smart } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { ecJwk, readJwt, rsaJwk, verifiesWithNodeCrypto } from '../support/signing-jwks.ts'

const NOW = 1_767_225_600
const target: ClientAuthContext = {
  clientId: 'the-client',
  fhirBaseUrl: 'https://ehr.example.com/fhir/',
  tokenEndpoint: 'https://AS.example.com/token?tenant=7',
  issuer: 'https://as.example.com',
  grantType: 'client_credentials',
  acceptedAlgorithms: undefined,
  assertion: smart().assertion,
  now: NOW * 1000,
  timeoutSeconds: 10,
}

// Made once: an RSA key takes long to find.
const RSA = rsaJwk()
let keys: KeySet
beforeAll(async () => {
  keys = await loadKeySet({ ...ecJwk(), kid: 'key-1' })
})

const jwtOf = async (set: KeySet, changes: Partial<ClientAuthContext> = {}) =>
  (await signClientAssertion(set, { ...target, ...changes })).jwt
const sign = ({ assertion }: Dialect = smart(), changes: Partial<ClientAuthContext> = {}) =>
  jwtOf(keys, { ...changes, assertion })

const claimsWith = async (assertion: NonNullable<DialectOverrides['assertion']>) =>
  readJwt(await sign(smart({ assertion }))).claims

it('JWT-01 the header is exactly alg, typ JWT and kid', async () => {
  expect(readJwt(await sign()).header).toEqual({ alg: 'ES384', typ: 'JWT', kid: 'key-1' })
})

describe('algorithms', () => {
  it.each([
    ['RS384', () => rsaJwk(), 'sha384'],
    ['ES384', () => ecJwk(), 'sha384'],
  ])(
    'JWT-02 JWT-05 JWT-12 %s verifies with node:crypto alone, by the one public key of its kid',
    async (alg, make, hash) => {
      const set = await loadKeySet({ keys: [make(), make()] })
      const jwt = await jwtOf(set)
      const { header, signature } = readJwt(jwt)
      expect(header.alg).toBe(alg)
      const [key, ...more] = set.publicJwks().keys.filter(({ kid }) => kid === header.kid)
      expect(more).toEqual([])
      expect(verifiesWithNodeCrypto(jwt, key ?? {}, hash)).toBe(true)
      const other = set.publicJwks().keys.find(({ kid }) => kid !== header.kid)
      expect(verifiesWithNodeCrypto(jwt, other ?? {}, hash)).toBe(false)
      const tampered = `${jwt.slice(0, 60)}${jwt[60] === 'A' ? 'B' : 'A'}${jwt.slice(61)}`
      expect(verifiesWithNodeCrypto(tampered, key ?? {}, hash)).toBe(false)
      if (alg === 'ES384') expect(signature).toHaveLength(96)
    },
  )

  it('JWT-12 an ES384 signature is not DER', async () => {
    const jwt = await sign()
    const key = createPublicKey({ key: { ...keys.publicJwks().keys[0] }, format: 'jwk' })
    const signed = Buffer.from(jwt.slice(0, jwt.lastIndexOf('.')))
    expect(verify('sha384', signed, { key, dsaEncoding: 'der' }, readJwt(jwt).signature)).toBe(false)
  })

  it.each([
    ['RS256', 'sha256'],
    ['RS512', 'sha512'],
    ['PS256', undefined],
    ['PS384', undefined],
    ['PS512', undefined],
  ] as const)('JWT-03 an RSA key signs with %s when told to', async (alg, hash) => {
    const set = await loadKeySet(RSA, { alg })
    const jwt = await jwtOf(set)
    expect(readJwt(jwt).header.alg).toBe(alg)
    if (hash) expect(verifiesWithNodeCrypto(jwt, set.publicJwks().keys[0] ?? {}, hash)).toBe(true)
  })

  it.each([
    ['P-256', 'ES256', 'sha256', 64],
    ['P-521', 'ES512', 'sha512', 132],
  ])('JWT-03 a %s key signs with %s', async (curve, alg, hash, length) => {
    const set = await loadKeySet(ecJwk(curve))
    const jwt = await jwtOf(set)
    expect(readJwt(jwt).header.alg).toBe(alg)
    expect(readJwt(jwt).signature).toHaveLength(length)
    expect(verifiesWithNodeCrypto(jwt, set.publicJwks().keys[0] ?? {}, hash)).toBe(true)
  })

  it.each(['none', 'HS256', 'HS384', 'HS512'])('JWT-03 %s is never used', async (alg) => {
    for (const jwk of [RSA, ecJwk()]) {
      const failure = await failureOf(() => loadKeySet({ ...jwk, alg }))
      expect(failure.code).toBe('invalid_key')
      expect(failure.message).toContain(`has alg "${alg}"`)
    }
  })

  it('JWT-03 the first key that the server accepts signs', async () => {
    const set = await loadKeySet({
      keys: [
        { ...RSA, kid: 'rsa' },
        { ...ecJwk(), kid: 'ec' },
      ],
    })
    const kidFor = async (acceptedAlgorithms: readonly string[] | undefined) => {
      const jwt = await jwtOf(set, { acceptedAlgorithms })
      return readJwt(jwt).header.kid
    }
    expect(await kidFor(undefined)).toBe('rsa')
    expect(await kidFor([])).toBe('rsa')
    expect(await kidFor(['ES384', 'RS384'])).toBe('rsa')
    expect(await kidFor(['ES384'])).toBe('ec')
    const failure = await failureOf(() => kidFor(['ES256', 'ES512']))
    expect(failure.code).toBe('invalid_key')
    expect(failure.message).toContain('signed with ES256, ES512, but the key set has RS384, ES384')
    expect((await failureOf(() => kidFor(['ES256\nforged line']))).message).not.toContain('\n')
  })
})

describe('jku', () => {
  it('JWT-04 is left out unless the dialect gives it, and then sent to the letter', async () => {
    expect(readJwt(await sign()).header).not.toHaveProperty('jku')
    const jku = 'https://App.example.com:443/keys/../jwks.json'
    expect(readJwt(await sign(smart({ assertion: { jku } }))).header.jku).toBe(jku)
  })
})

describe('claims', () => {
  it('JWT-06 JWT-07 JWT-09 JWT-11 iss and sub are the client id, aud the token endpoint to the letter, iat now, exp within five minutes', async () => {
    const { jti, ...claims } = readJwt(await sign(smart(), { now: NOW * 1000 + 900 })).claims
    expect(claims).toEqual({
      iss: 'the-client',
      sub: 'the-client',
      aud: 'https://AS.example.com/token?tenant=7',
      iat: NOW,
      exp: NOW + 240,
    })
    expect(jti).toBeTypeOf('string')
  })

  it.each([
    ['token_endpoint', target.tokenEndpoint],
    ['issuer', target.issuer],
    ['fhir_base', target.fhirBaseUrl],
    [{ literal: 'urn:anything' }, 'urn:anything'],
  ] as const)('JWT-07 JWT-08 with the audience %j aud is one string', async (audience, expected) => {
    expect((await claimsWith({ audience })).aud).toBe(expected)
  })

  it('JWT-08 with the issuer as audience, an unknown one is reported as missing, and nothing replaces it', async () => {
    const failure = await failureOf(() => sign(smart({ assertion: { audience: 'issuer' } }), { issuer: undefined }))
    expect(failure.code).toBe('unsupported_by_server')
    expect(failure.message).toContain('Set metadata.issuer')
  })

  it('JWT-09 the lifetime can be less than five minutes, but not more', async () => {
    expect(await claimsWith({ lifetimeSeconds: 60 })).toMatchObject({ iat: NOW, exp: NOW + 60 })
    expect(await claimsWith({ lifetimeSeconds: 299.9 })).toMatchObject({ exp: NOW + 299 })
    for (const lifetimeSeconds of [301, 0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const failure = await failureOf(() => smart({ assertion: { lifetimeSeconds } }))
      expect(failure.code).toBe('invalid_option')
      expect(failure.message).toContain('at most 300')
    }
  })

  it('JWT-10 each assertion has a jti of its own, of 128 bits in 36 characters', async () => {
    const assertions = await Promise.all(Array.from({ length: 200 }, () => sign()))
    const ids = assertions.map((jwt) => String(readJwt(jwt).claims.jti))
    expect(new Set(ids).size).toBe(200)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('JWT-11 iat is always sent, nbf never', async () => {
    const { claims } = readJwt(await sign())
    expect(claims.iat).toBe(NOW)
    expect(claims).not.toHaveProperty('nbf')
  })

  it('JWT-13 a dialect adds claims, but overrides none of those that identify', async () => {
    const claims = () => ({ iss: 'x', sub: 'x', aud: 'x', exp: 1, iat: 1, jti: 'x', tenant: 'seven' })
    const result = await claimsWith({ claims })
    expect(result).toMatchObject({ iss: 'the-client', sub: 'the-client', iat: NOW, exp: NOW + 240, tenant: 'seven' })
    expect(result.aud).toBe(target.tokenEndpoint)
    expect(result.jti).not.toBe('x')
  })

  it('JWT-13 omitClaims leaves out what a server refuses; iss and sub cannot be left out', async () => {
    const claims = await claimsWith({ omitClaims: ['aud', 'exp', 'jti', 'iat'] })
    expect(claims).toEqual({ iss: 'the-client', sub: 'the-client' })
  })

  it('JWT-13 InteliChart: jwks_url to the letter and whole minutes come on top', async () => {
    const jwksUrl = 'https://Jobs.example.com/.well-known/jwks.json?v=1'
    const { header, claims } = readJwt(await sign(intelichart({ jwksUrl, accessTokensExpireInMinutes: 15 })))
    expect(header).toEqual({ alg: 'ES384', typ: 'JWT', kid: 'key-1' })
    expect(claims).toMatchObject({ jwks_url: jwksUrl, accessTokensExpireIn: 15, iss: 'the-client', sub: 'the-client' })
  })

  it('JWT-08 typ can be another one, for servers that ask for it', async () => {
    const dialect = smart({ assertion: { typ: 'client-authentication+jwt' } })
    expect(readJwt(await sign(dialect)).header.typ).toBe('client-authentication+jwt')
  })
})
