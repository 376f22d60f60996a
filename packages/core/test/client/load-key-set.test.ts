import { createHash, createPrivateKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { INTEGER, OCTET_STRING, SEQUENCE, writeDer } from '../../src/client/keys/reading/der-elements.ts'
import { FhirAuthError, KeySet, loadKeySet } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { ecJwk, type PrivateTestJwk, readJwt, rsaJwk, verifiesWithNodeCrypto } from '../support/signing-jwks.ts'

const RSA = rsaJwk()
const EC = ecJwk()
const keyObject = (jwk: JsonWebKey): KeyObject => createPrivateKey({ key: jwk, format: 'jwk' })
const pkcs8 = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string
const pkcs1 = (jwk: JsonWebKey) => keyObject(jwk).export({ type: 'pkcs1', format: 'pem' }) as string
const sec1 = (jwk: JsonWebKey) => keyObject(jwk).export({ type: 'sec1', format: 'pem' }) as string
const pemOf = (jwk: JsonWebKey) => pkcs8(keyObject(jwk))
const without = (jwk: PrivateTestJwk, ...members: string[]) =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !members.includes(name)))
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']

describe('a usable key', () => {
  it.each([
    ['a JWK', RSA],
    ['the text of a JWK', JSON.stringify(RSA)],
    ['a JWK Set', { keys: [RSA] }],
    ['the text of a JWK Set', `\n ${JSON.stringify({ keys: [RSA] }, null, 2)}\n`],
    ['a PKCS#8 PEM', pemOf(RSA)],
    ['a PEM on one line, as environment files have it', pemOf(RSA).replaceAll('\n', '\\n')],
    ['a PEM with Windows line ends', pemOf(RSA).replaceAll('\n', '\r\n')],
    ['a PEM on one line, its line ends those of Windows', pemOf(RSA).replaceAll('\n', '\\r\\n')],
    ['a PEM in quotes', `"${pemOf(RSA)}"`],
    ['a PEM below what openssl says of it', `Bag Attributes\n    friendlyName: job\n${pemOf(RSA)}`],
    ['a PKCS#1 PEM', pkcs1(RSA)],
    ['a PKCS#1 PEM on one line', pkcs1(RSA).replaceAll('\n', '\\n')],
    ['a PEM beside its certificate', `-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n${pemOf(RSA)}`],
    ['a PEM in base64', btoa(pemOf(RSA))],
    ['a JWK Set in base64, in lines', btoa(JSON.stringify({ keys: [RSA] })).replace(/(.{64})/g, '$1\n')],
    ['what a function gives', () => pemOf(RSA)],
    ['what a function gives later', async () => ({ keys: [RSA] })],
  ])('JWKS-01 may be %s', async (_name, source) => {
    const keys = await loadKeySet(source)
    const [jwk] = keys.publicJwks().keys
    expect(jwk).toMatchObject({ kty: 'RSA', alg: 'RS384', use: 'sig', n: RSA.n, e: 'AQAB' })
    const jwt = await keys.signingKey().signJwt({ typ: 'JWT' }, { iss: 'x' })
    expect(verifiesWithNodeCrypto(jwt, jwk ?? {}, 'sha384')).toBe(true)
  })

  it.each([
    ['RSA', () => rsaJwk(), 'RS384'],
    ['P-384', () => ecJwk('P-384'), 'ES384'],
    ['P-256', () => ecJwk('P-256'), 'ES256'],
    ['P-521', () => ecJwk('P-521'), 'ES512'],
    ['Ed25519', () => generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as PrivateTestJwk, 'EdDSA'],
  ])('JWT-15 %s has its algorithm by itself, as JWK and as PEM', async (_name, make, alg) => {
    const jwk = make()
    for (const source of [jwk, pemOf(jwk)]) expect((await loadKeySet(source)).signingKey().alg).toBe(alg)
  })

  it.each(['P-256', 'P-384', 'P-521'])(
    'JWKS-01 may be a SEC1 PEM of %s, with its parameters before it',
    async (curve) => {
      const jwk = ecJwk(curve)
      for (const pem of [
        sec1(jwk),
        `-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n${sec1(jwk)}`,
      ]) {
        const [published] = (await loadKeySet(pem)).publicJwks().keys
        expect(published).toMatchObject({ kty: 'EC', crv: curve, x: jwk.x, y: jwk.y })
      }
    },
  )

  it('JWKS-01 may be a PKCS#8 PEM without the public half, as Java writes it', async () => {
    const d = Buffer.from(String(EC.d), 'base64url')
    const algorithm = Buffer.from('301006072a8648ce3d020106052b81040022', 'hex')
    const key = writeDer(SEQUENCE, Uint8Array.of(INTEGER, 1, 1), writeDer(OCTET_STRING, d))
    const pkcs8 = writeDer(SEQUENCE, Uint8Array.of(INTEGER, 1, 0), algorithm, writeDer(OCTET_STRING, key))
    const keys = await loadKeySet(block('PRIVATE KEY', Buffer.from(pkcs8).toString('base64')))
    expect(keys.publicJwks().keys[0]).toMatchObject({ crv: 'P-384', x: EC.x, y: EC.y })
  })

  it('JWKS-01 may be several PEM blocks of different kinds in one text: the first signs', async () => {
    const keys = await loadKeySet([sec1(EC), pkcs1(RSA), pemOf(ecJwk('P-256'))].join('\n'))
    expect(keys.publicJwks().keys.map(({ alg }) => alg)).toEqual(['ES384', 'RS384', 'ES256'])
    expect(keys.signingKey().alg).toBe('ES384')
  })

  it('JWT-15 the alg option is for keys that name none', async () => {
    const keys = await loadKeySet(
      {
        keys: [
          { ...RSA, alg: 'PS384', kid: 'a' },
          { ...RSA, kid: 'b' },
        ],
      },
      { alg: 'RS512' },
    )
    expect(keys.publicJwks().keys.map(({ alg }) => alg)).toEqual(['PS384', 'RS512'])
    expect((await loadKeySet(pemOf(RSA), { alg: 'RS256' })).signingKey().alg).toBe('RS256')
  })
})

describe('the way of a key from its text to a signature', () => {
  it.each([
    ['a JWK', () => JSON.stringify(EC)],
    ['a PKCS#8 PEM', () => pemOf(EC)],
    ['a SEC1 PEM', () => sec1(EC)],
    ['a PKCS#1 PEM', () => pkcs1(RSA)],
  ])('%s is imported once, and signs with what was imported', async (_name, source) => {
    const imports = vi.spyOn(crypto.subtle, 'importKey')
    onTestFinished(() => imports.mockRestore())
    const key = (await loadKeySet(source())).signingKey()
    await key.signJwt({}, {})
    const parts = imports.mock.calls.map(([, , , , usages]) => String(usages))
    // The public part checks the first signature.
    expect(parts).toEqual(['sign', 'verify'])
  })
})

describe('what the world may see', () => {
  it('JWKS-01 JWKS-04 JWKS-05 public members only, with kid, alg and use', async () => {
    const keys = await loadKeySet({ keys: [{ ...RSA, use: 'sig', secret_note: 'x' }, EC] })
    const [rsa, ec, ...more] = keys.publicJwks().keys
    expect(more).toEqual([])
    expect(Object.keys(rsa ?? {}).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
    expect(Object.keys(ec ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    for (const member of PRIVATE_MEMBERS) expect(JSON.stringify(keys.publicJwks())).not.toContain(`"${member}":`)
    expect(rsa?.use).toBe('sig')
    expect(new Set([rsa?.kid, ec?.kid]).size).toBe(2)
  })

  it('JWKS-04 nothing private shows in the key set, printed, as JSON, or enumerated', async () => {
    const keys = await loadKeySet({ keys: [RSA, EC] })
    const shown = [inspect(keys, { depth: 9, showHidden: true }), JSON.stringify(keys), inspect(keys.signingKey())]
    for (const text of shown) {
      for (const secret of [RSA.d, RSA.p, EC.d]) expect(text).not.toContain(secret)
    }
  })

  it('JWKS-05 changing what publicJwks() returned changes nothing', async () => {
    const keys = await loadKeySet(EC)
    const before = JSON.stringify(keys.publicJwks())
    keys.publicJwks().keys.pop()
    const [jwk] = keys.publicJwks().keys
    Object.assign(jwk ?? {}, { kid: 'changed' })
    expect(JSON.stringify(keys.publicJwks())).toBe(before)
  })

  it('JWKS-07 without a kid it is the RFC 7638 thumbprint: stable, and URL-safe', async () => {
    const [first] = (await loadKeySet(RSA)).publicJwks().keys
    const [second] = (await loadKeySet(pemOf(RSA))).publicJwks().keys
    expect(first?.kid).toBe(second?.kid)
    expect(first?.kid).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  it('JWKS-07 a kid of the key is kept to the letter', async () => {
    const keys = await loadKeySet({ ...EC, kid: '2026-01/näme+=' })
    expect(keys.publicJwks().keys[0]?.kid).toBe('2026-01/näme+=')
    expect(readJwt(await keys.signingKey().signJwt({ kid: keys.signingKey().kid }, {})).header.kid).toBe(
      '2026-01/näme+=',
    )
  })

  it.each([
    ['a PEM', () => pemOf(EC)],
    ['a JWK', () => EC],
    ['a JWK that has the same', () => ({ ...EC, kid: 'from-the-vendor' })],
    ['what a function gives', () => () => pemOf(EC)],
  ])('JWKS-07 kid names %s as the vendor does', async (_name, source) => {
    const keys = await loadKeySet(source(), { kid: 'from-the-vendor' })
    expect(keys.publicJwks().keys.map(({ kid }) => kid)).toEqual(['from-the-vendor'])
    expect(keys.signingKey().kid).toBe('from-the-vendor')
  })

  it.each([
    ['several keys', () => ({ keys: [EC, RSA] }), /kid is for a single key, but there are several/],
    [
      'another kid',
      () => ({ ...EC, kid: 'own' }),
      /has the kid "own", but loadKeySet\(\) was given kid "from-the-vendor"/,
    ],
  ])('JWKS-07 kid is refused for %s', async (_name, source, message) => {
    expect((await failureOf(() => loadKeySet(source(), { kid: 'from-the-vendor' }))).message).toMatch(message)
  })

  it('JWKS-07 the thumbprint is the one of RFC 7638 §3.1', async () => {
    const canonical = JSON.stringify({ e: RSA.e, kty: 'RSA', n: RSA.n })
    const expected = createHash('sha256').update(canonical).digest('base64url')
    expect((await loadKeySet(RSA)).signingKey().kid).toBe(expected)
  })
})

const publicPem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' })
const block = (label: string, body: string) => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`
const ecPair = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const unusable: [name: string, source: () => unknown, message: RegExp][] = [
  ['undefined, as an unset variable is', () => undefined, /got no key\. Set the environment variable/],
  ['null', () => null, /got no key/],
  ['empty', () => '', /got no key/],
  ['blank', () => ' \n\t', /got no key/],
  ['the name of a file', () => './keys/private.pem', /A file name is not read: pass the file's content/],
  ['neither JSON nor PEM', () => 'MIIEvQIBADANBg', /neither JSON nor PEM/],
  ['JSON cut off', () => JSON.stringify(RSA).slice(0, -10), /begins as JSON, but is cut off or damaged/],
  ['a number', () => 42, /Key 1 is not a JWK object/],
  ['a bare list of keys', () => [EC], /bare list\. Write a JWK Set/],
  ['a JWK Set whose keys are no list', () => ({ keys: EC }), /"keys" member of the JWK Set is not an array/],
  ['a JWK Set without a key', () => ({ keys: [] }), /key set is empty/],
  ['a JWK Set with something else in it', () => ({ keys: [EC, 'text'] }), /Key 2 is not a JWK object/],
  [
    'a truncated PEM',
    () => pemOf(RSA).slice(0, 700),
    /PEM private key is damaged.*export it again as PKCS#8.*openssl genpkey/,
  ],
  ['a PEM of nothing', () => '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----', /damaged/],
  ['a PEM header alone', () => '-----BEGIN', /PEM block is "unreadable"/],
  ['a public PEM', () => publicPem(ecPair.publicKey), /"PUBLIC KEY", but "PRIVATE KEY".*Pass the private key/],
  [
    'a certificate',
    () => '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    /"CERTIFICATE".*Pass the private key/,
  ],
  ['a PKCS#1 PEM cut off', () => pkcs1(RSA).slice(0, 700), /PEM private key is damaged/],
  ['a PKCS#1 PEM of nothing', () => block('RSA PRIVATE KEY', ''), /PEM private key is damaged/],
  ['a PKCS#1 PEM that is no base64', () => block('RSA PRIVATE KEY', '%%%'), /PEM private key is damaged/],
  ['a PKCS#1 PEM of 1024 bits', () => pkcs1(rsaJwk(1024)), /RSA key of 1024 bits\. At least 2048/],
  [
    'a PKCS#1 PEM that is a SEC1 key',
    () => sec1(EC).replaceAll('EC PRIVATE', 'RSA PRIVATE'),
    /PEM private key is damaged/,
  ],
  ['a SEC1 PEM that is no DER', () => block('EC PRIVATE KEY', btoa('no DER at all')), /PEM private key is damaged/],
  [
    'a SEC1 PEM of a curve nobody uses',
    () => sec1(ecJwk('secp256k1')),
    /is on the curve secp256k1\. Use an RSA key, or one on P-384/,
  ],
  [
    'a SEC1 PEM without its curve',
    () => block('EC PRIVATE KEY', 'MAYCAQEEAQE='),
    /does not name its curve\. Export it again with its curve/,
  ],
  ['a SEC1 PEM cut off', () => sec1(EC).slice(0, 120), /PEM private key is damaged/],
  ['a DSA PEM', () => block('DSA PRIVATE KEY', 'MAA='), /"DSA PRIVATE KEY", but .*is needed/],
  ['an OpenSSH key', () => block('OPENSSH PRIVATE KEY', 'MAA='), /is in the form of OpenSSH\. Convert a copy: cp key/],
  [
    'several PEM blocks, one of them damaged',
    () => pemOf(EC) + block('PRIVATE KEY', 'MAA='),
    /The PEM private key 2 is damaged/,
  ],
  ['the same PEM twice', () => pemOf(EC) + sec1(EC), /Two keys have the kid/],
  ['a PEM in base64, cut off', () => btoa(pemOf(RSA).slice(0, 700)), /PEM private key is damaged/],
  ['a function that gives nothing', () => () => undefined, /got no key/],
  ['a function that gives a public key', () => async () => publicPem(ecPair.publicKey), /Pass the private key/],
  [
    'an encrypted PEM',
    () => ecPair.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'pass' }),
    /is encrypted \("ENCRYPTED PRIVATE KEY"\).*openssl pkcs8 -topk8 -nocrypt/,
  ],
  [
    'an encrypted PKCS#1 PEM',
    () => keyObject(RSA).export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'pass' }),
    /is encrypted \("RSA PRIVATE KEY"\).*openssl pkcs8 -topk8 -nocrypt/,
  ],
  [
    'an encrypted SEC1 PEM',
    () => ecPair.privateKey.export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'pass' }),
    /is encrypted \("EC PRIVATE KEY"\).*openssl pkcs8 -topk8 -nocrypt/,
  ],
  [
    'a PEM of a curve nobody uses',
    () => pemOf(ecJwk('secp256k1')),
    /is on the curve secp256k1\. Use an RSA key, or one on P-384/,
  ],
  ['a public JWK', () => without(RSA, ...PRIVATE_MEMBERS), /Key 1 is a public key: its private member "d" is missing/],
  ['an RSA key of 1024 bits', () => rsaJwk(1024), /RSA key of 1024 bits\. At least 2048 are needed/],
  ['an RSA PEM of 1024 bits', () => pemOf(rsaJwk(1024)), /RSA key of 1024 bits/],
  [
    'a P-256 key with alg ES384',
    () => ({ ...ecJwk('P-256'), alg: 'ES384' }),
    /alg "ES384", which a P-256 key cannot do\. Use ES256/,
  ],
  [
    'a P-384 key with alg RS384',
    () => ({ ...EC, alg: 'RS384' }),
    /alg "RS384", which a P-384 key cannot do\. Use ES384/,
  ],
  [
    'an RSA key with alg ES384',
    () => ({ ...RSA, alg: 'ES384' }),
    /alg "ES384", which an RSA key cannot do\. Use RS384 or/,
  ],
  ['a key of the curve secp256k1', () => ecJwk('secp256k1'), /curve secp256k1\. Use P-384 \(ES384\)/],
  ['a symmetric key', () => ({ kty: 'oct', k: 'c2VjcmV0' }), /symmetric \(kty "oct"\).*RSA or EC private key/],
  ['a key without kty', () => without(EC, 'kty'), /no known kty\. Use an RSA or EC private key/],
  ['an EC key that says RSA', () => ({ ...EC, kty: 'RSA' }), /has no "n" or "e"/],
  ['an RSA key that says EC', () => ({ ...RSA, kty: 'EC' }), /is on no curve/],
  ['an EC key that says OKP', () => ({ ...EC, kty: 'OKP' }), /members do not form a valid key/],
  [
    'two keys of one kid',
    () => ({
      keys: [
        { ...RSA, kid: 'a' },
        { ...EC, kid: 'a' },
      ],
    }),
    /Two keys have the kid "a"/,
  ],
  ['one key twice', () => ({ keys: [EC, EC] }), /Two keys have the kid/],
  ['a key with a kid that is a number', () => ({ ...EC, kid: 7 }), /kid that is not a non-empty string/],
  ['a key with an empty kid', () => ({ ...EC, kid: '' }), /kid that is not a non-empty string/],
  [
    'a signFrom that is no time',
    () => ({ ...EC, signFrom: 'tomorrow' }),
    /Key 1 has a signFrom that is not a time\. Write "2026/,
  ],
  [
    'a signUntil without its zone',
    () => ({ ...EC, signUntil: '2026-07-01T00:00:00' }),
    /signUntil that is not a time.*with its zone/,
  ],
  [
    'a signFrom in milliseconds',
    () => ({ ...EC, signFrom: Date.now() }),
    /signFrom that is not a time.*seconds since the epoch/,
  ],
  ['a signFrom that is no day', () => ({ ...EC, signFrom: '2026-13-01' }), /signFrom that is not a time/],
  ['a misspelt signFrom', () => ({ ...EC, sign_from: '2026-07-01' }), /member "sign_from"\. Did you mean "signFrom"/],
  ['a misspelt signUntil', () => ({ ...EC, signuntil: 1 }), /member "signuntil"\. Did you mean "signUntil"/],
  [
    'a key that ends before it begins',
    () => ({ ...EC, signFrom: '2026-07-02', signUntil: '2026-07-01' }),
    /signUntil that is not after its signFrom/,
  ],
  ['a key for encryption', () => ({ ...RSA, use: 'enc' }), /not for signatures: its use is not "sig"/],
  ['a key without a coordinate', () => without(EC, 'y'), /Key 1 has no "y"/],
  [
    'the private half of one key with the public half of another',
    () => ({ ...RSA, n: rsaJwk().n }),
    /members do not form a valid key/,
  ],
  [
    'halves of two EC keys',
    () => ({ ...EC, ...without(ecJwk(), ...PRIVATE_MEMBERS) }),
    /members do not form a valid key/,
  ],
  [
    'an RSA key of 1024 bits, padded with zeros',
    () => {
      const small = rsaJwk(1024)
      return { ...small, n: `${'AAAA'.repeat(60)}${small.n}` }
    },
    /RSA key of 1024 bits\. At least 2048/,
  ],
]

describe('an unusable key', () => {
  it.each(unusable)('JWT-15 JWKS-05 says what is wrong: %s', async (_name, source, message) => {
    const failure = await failureOf(() => loadKeySet(source()))
    expect(failure.code).toBe('invalid_key')
    expect(failure.message).toMatch(message)
    expect(failure.message).not.toContain(RSA.d)
    expect(failure.message).not.toContain(EC.d)
  })

  it('JWT-15 an algorithm that the PEM cannot do is named', async () => {
    const failure = await failureOf(() => loadKeySet(pemOf(ecJwk('P-256')), { alg: 'ES384' }))
    expect(failure.message).toContain('alg "ES384", which a P-256 key cannot do. Use ES256')
  })

  it('JWKS-05 an empty key set, and two keys of one kid, are refused by KeySet itself', async () => {
    const key = (await loadKeySet(EC)).signingKey()
    expect((await failureOf(() => new KeySet([]))).message).toContain('empty')
    expect((await failureOf(() => new KeySet([key, key]))).message).toContain('Two keys have the kid')
  })

  it('JWT-15 any JSON and any text is loaded, or refused as an invalid key', async () => {
    const member = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(...Object.values(EC), ...Object.values(RSA), 'P-384', 'oct'),
    )
    const names = ['kty', 'crv', 'alg', 'kid', 'use', 'd', 'n', 'e', 'x', 'y', 'k', 'keys', 'key_ops', '__proto__']
    const jwk = fc.dictionary(fc.constantFrom(...names), member)
    const nearly = jwk.chain((changes) => fc.constantFrom({ ...EC, ...changes }, { ...RSA, ...changes }))
    const keySet = fc.record({ keys: fc.array(fc.oneof(jwk, nearly, fc.jsonValue()), { maxLength: 3 }) })
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.base64String().map((s) => `-----BEGIN PRIVATE KEY-----\n${s}`),
    )
    const source = fc.oneof(
      jwk,
      nearly,
      keySet,
      text,
      fc.jsonValue(),
      keySet.map((set) => JSON.stringify(set)),
    )
    await fc.assert(
      fc.asyncProperty(source, async (value) => {
        try {
          expect(await loadKeySet(value)).toBeInstanceOf(KeySet)
        } catch (error) {
          expect(error).toBeInstanceOf(FhirAuthError)
          expect((error as FhirAuthError).code).toBe('invalid_key')
        }
      }),
      { numRuns: 400 },
    )
  })
})
