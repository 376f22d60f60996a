import { createHash, createPrivateKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import fc from 'fast-check'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { withPrimes } from '../../src/client/keys/reading/rsa-numbers.ts'
import { createBackendServices, type FhirAuthEvent, loadKeySet } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { ecJwk, type PrivateTestJwk, rsaJwk, verifiesWithNodeCrypto } from '../support/signing-jwks.ts'

// Keys as other tools write them.

const RSA = rsaJwk()
const EC = ecJwk()
const publicOf = ({ d, p, q, dp, dq, qi, ...members }: PrivateTestJwk) => members
const kidsOf = (keys: { publicJwks(): { keys: { kid: string }[] } }) => keys.publicJwks().keys.map(({ kid }) => kid)
const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' })

describe('a set with more than signing keys', () => {
  const signing = { ...EC, kid: 'a' }

  it.each<[string, object]>([
    ['under the same kid', { ...publicOf(EC), kid: 'a' }],
    ['without a kid', publicOf(EC)],
    [
      'in another spelling',
      { ...publicOf(EC), kid: 'a', x: Buffer.from(String(EC.x), 'base64url').toString('base64') },
    ],
  ])('RFC 7517 §5: the public part of a private key, %s, stands beside it', async (_name, companion) => {
    for (const keys of [
      [signing, companion],
      [companion, signing],
    ]) {
      const set = await loadKeySet({ keys })
      expect(kidsOf(set)).toEqual(['a'])
      expect(set.leftAside).toEqual([])
    }
  })

  it.each<[string, object, RegExp]>([
    [
      'the public part under another kid',
      { ...publicOf(EC), kid: 'b' },
      /Key 2 is the public part of Key 1.*"b" and "a"/,
    ],
    ['the public part of a key that is not there', { ...publicOf(ecJwk()), kid: 'b' }, /Key 2 is a public key/],
    ['another key of the same kid', { ...RSA, kid: 'a' }, /Two keys have the kid "a"/],
  ])('JWKS-05 %s is refused', async (_name, other, message) => {
    expect((await failureOf(() => loadKeySet({ keys: [signing, other] }))).message).toMatch(message)
  })

  it.each<[string, object, string]>([
    ['use enc', { ...RSA, use: 'enc' }, 'its use is "enc", not "sig"'],
    ['key_ops without sign', { ...RSA, key_ops: ['decrypt'] }, 'its key_ops is ["decrypt"], without "sign"'],
    ['an alg that encrypts', { ...RSA, alg: 'RSA-OAEP-256' }, 'its alg is "RSA-OAEP-256", which encrypts'],
    ['oct', { kty: 'oct', k: 'c2VjcmV0' }, 'it is symmetric (kty "oct")'],
    ['an unknown kty', { kty: 'AKP', pub: 'x', alg: 'ML-DSA-44' }, 'its kty is "AKP"'],
    ['a curve that nobody takes', ecJwk('secp256k1'), 'no server takes its curve "secp256k1"'],
    ['a curve for key agreement', x25519, 'no server takes its curve "X25519"'],
  ])('RFC 7517 §5: a key with %s is left aside, not published, and told of', async (_name, other, reason) => {
    const events: FhirAuthEvent[] = []
    const keys = await loadKeySet({ keys: [{ ...other, kid: 'other' }, signing] })
    expect(kidsOf(keys)).toEqual(['a'])
    expect(keys.leftAside).toEqual([{ kid: 'other', reason }])
    createBackendServices({
      ...{ fhirBaseUrl: 'https://ehr.example.com', clientId: 'job', scope: 'system/*.rs', keys },
      onEvent: (event) => events.push(event),
    })
    expect(events).toEqual([{ type: 'key_left_aside', kid: 'other', reason }])
    expect(JSON.stringify(events)).not.toContain('c2VjcmV0')
  })

  it('RFC 7517 §5: one that appears when the source is read again is told of once', async () => {
    const events: unknown[] = []
    let content: object = { keys: [signing] }
    const begin = Date.now()
    const keys = await loadKeySet(() => content)
    keys.watchLeftAside(({ kid }) => events.push(kid))
    content = { keys: [signing, { ...RSA, kid: 'enc', use: 'enc' }] }
    await keys.refresh(begin + 61_000)
    await keys.refresh(begin + 122_000)
    expect(events).toEqual(['enc'])
  })

  it('alone, such a key is still refused with its own fault', async () => {
    expect((await failureOf(() => loadKeySet({ keys: [{ ...RSA, use: 'enc' }] }))).message).toContain(
      'its use is not "sig"',
    )
  })
})

describe('a JWK that other tools wrote', () => {
  const zeros = (member: unknown) => Buffer.concat([Buffer.from([0]), Buffer.from(String(member), 'base64url')])
  const thumbprint = createHash('sha256')
    .update(JSON.stringify({ e: RSA.e, kty: 'RSA', n: RSA.n }))
    .digest('base64url')

  it.each<[string, (member: unknown) => string]>([
    ['leading zeros', (member) => zeros(member).toString('base64url')],
    ['standard base64', (member) => Buffer.from(String(member), 'base64url').toString('base64')],
    ['both', (member) => zeros(member).toString('base64')],
  ])('RFC 7518 §2, §6.3.1.1: %s change neither the thumbprint nor what is published', async (_name, write) => {
    const members = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'].map((name) => [
      name,
      write(RSA[name as keyof typeof RSA]),
    ])
    const keys = await loadKeySet({ kty: 'RSA', ...Object.fromEntries(members) })
    expect(keys.publicJwks().keys[0]).toEqual({
      kty: 'RSA',
      n: RSA.n,
      e: RSA.e,
      kid: thumbprint,
      alg: 'RS384',
      use: 'sig',
    })
  })

  it('RFC 7518 §6.2.1.2: a coordinate without its leading zeros gets them back', async () => {
    // One key in 256 has such a coordinate.
    let key = ecJwk('P-256')
    while (Buffer.from(String(key.x), 'base64url')[0] !== 0) key = ecJwk('P-256')
    const x = Buffer.from(String(key.x), 'base64url').subarray(1).toString('base64url')
    expect((await loadKeySet({ ...key, x })).publicJwks().keys[0]?.x).toBe(key.x)
  })

  it('RFC 7518 §6.3.2: an RSA key with only n, e and d signs', async () => {
    const { kty, n, e, d } = RSA
    const keys = await loadKeySet({ kty, n, e, d })
    const jwt = await keys.signingKey().signJwt({}, {})
    expect(verifiesWithNodeCrypto(jwt, keys.publicJwks().keys[0] ?? {}, 'sha384')).toBe(true)
    expect((await loadKeySet({ ...RSA, dp: undefined, dq: undefined, qi: undefined })).signingKey().kid).toBe(
      thumbprint,
    )
  })

  it('RFC 7518 §6.3.2: the primes that are found are those of the key, whatever its size', () => {
    for (const bits of [2048, 3072]) {
      const { kty, n, e, d, ...rest } = rsaJwk(bits)
      const found = withPrimes({ kty, n, e, d }) as Record<string, unknown>
      expect([found.p, found.q].sort()).toEqual([rest.p, rest.q].sort())
    }
  })

  it('members that do not belong together are refused, and take no long time', async () => {
    const { kty, n, e } = RSA
    const failure = await failureOf(() => loadKeySet({ kty, n, e, d: rsaJwk().d }))
    expect(failure.message).toContain('members do not form a valid key')
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const d = Buffer.from(bytes).toString('base64url')
        expect((await failureOf(() => loadKeySet({ kty, n, e, d }))).code).toBe('invalid_key')
      }),
      { numRuns: 20 },
    )
  })

  it('RFC 7515 §4.1.1: an alg in small letters is named, with the right one', async () => {
    expect((await failureOf(() => loadKeySet({ ...RSA, alg: 'rs384' }))).message).toBe(
      'Key 1 has alg "rs384". Write "RS384": capitals count (RFC 7515 §4.1.1).',
    )
  })
})

describe('RFC 7517 §4.4: an RSA key that names no algorithm', () => {
  const pem = createPrivateKey({ key: RSA as JsonWebKey, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' })

  it.each([
    ['as JWK', RSA],
    ['as PEM', pem],
  ])('signs what the server lists, and the JWKS verifies it: %s', async (_name, source) => {
    for (const alg of ['RS256', 'RS512', 'PS256'] as const) {
      const keys = await loadKeySet(source)
      const key = keys.signingKey([alg, 'ES512'])
      expect(key.alg).toBe(alg)
      const jwt = await key.signJwt({ alg: key.alg, kid: key.kid }, {})
      // It takes a key only for the algorithm that the key names.
      expect((await jwtVerify(jwt, createLocalJWKSet(keys.publicJwks() as never))).protectedHeader.alg).toBe(alg)
      expect(keys.publicJwks().keys[0]?.alg).toBe(alg)
    }
  })

  it('JWKS-05 names RS384 until it has signed otherwise, and none when it has signed with several', async () => {
    const keys = await loadKeySet(RSA)
    expect(keys.publicJwks().keys[0]?.alg).toBe('RS384')
    const jwts = []
    for (const accepted of [undefined, ['RS256']]) jwts.push(await keys.signingKey(accepted).signJwt({}, {}))
    expect(keys.publicJwks().keys[0]).not.toHaveProperty('alg')
    for (const jwt of jwts) await jwtVerify(jwt, createLocalJWKSet(keys.publicJwks() as never))
  })

  it('stays with RS384 where the server takes it, and behind a key that names what the server takes', async () => {
    const keys = await loadKeySet({
      keys: [
        { ...RSA, kid: 'rsa' },
        { ...EC, kid: 'ec' },
      ],
    })
    expect(keys.signingKey(['RS256', 'RS384']).alg).toBe('RS384')
    expect(keys.signingKey(['RS256', 'ES384']).kid).toBe('ec')
  })

  it('one that names its algorithm, itself or by option, signs with no other', async () => {
    for (const keys of [await loadKeySet({ ...RSA, alg: 'RS384' }), await loadKeySet(pem, { alg: 'RS384' })]) {
      expect((await failureOf(() => keys.signingKey(['RS256']))).message).toContain(
        'signed with RS256, but the key set has RS384',
      )
    }
  })

  it('JWKS-06 a retired one that still signs for a server with another algorithm stays published', async () => {
    const now = Date.UTC(2026, 6, 1)
    const keys = await loadKeySet({
      keys: [
        { ...RSA, kid: 'old' },
        { ...rsaJwk(), kid: 'new', alg: 'RS384', signFrom: '2026-06-01' },
      ],
    })
    expect(keys.publicJwks(now).keys.map(({ kid }) => kid)).toEqual(['new'])
    await keys.signingKey(['RS256'], now).signJwt({}, {})
    expect(keys.publicJwks(now).keys.map(({ kid }) => kid)).toEqual(['old', 'new'])
  })
})
