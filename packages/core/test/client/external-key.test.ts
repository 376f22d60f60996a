import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  createBackendServices,
  type ExternalKey,
  intelichart,
  loadKeySet,
  type SigningAlgorithm,
} from '../../src/index.ts'
import { startCoreApp } from '../support/core-app.ts'
import { failureOf } from '../support/failure-of.ts'
import { startKms } from '../support/kms-client.ts'
import { startSandbox } from '../support/registered-client.ts'
import { ecJwk, readJwt, rsaJwk, verifiesWithNodeCrypto } from '../support/signing-jwks.ts'

const EC = ecJwk()
const publicOf = (key: KeyObject) => createPublicKey(key).export({ format: 'jwk' })
const keyOf = (jwk: object) => createPrivateKey({ key: jwk as never, format: 'jwk' })
const ecPrivate = keyOf(EC)
const valid = {
  alg: 'ES384' as SigningAlgorithm,
  kid: 'in-kms',
  publicJwk: publicOf(ecPrivate),
  sign: (bytes: Uint8Array): Uint8Array => sign('sha384', bytes, ecPrivate),
}
const jwtOf = async (key: object) =>
  (await loadKeySet(key)).signingKey().signJwt({ typ: 'JWT', kid: 'x' }, { iss: 'job' })

it.each(['RS384', 'ES384'] as const)(
  'JWKS-08 a %s key in another process signs the InteliChart assertion, and the strict sandbox accepts it',
  async (alg) => {
    const kms = await startKms(alg)
    const sandbox = await startSandbox({ mode: 'intelichart' })
    const keys = await loadKeySet({
      alg,
      kid: 'in-kms',
      publicJwk: kms.publicJwk,
      sign: kms.sign,
    } satisfies ExternalKey)
    expect(kms.signatures).toBe(0)
    const app = await startCoreApp(
      (origin) =>
        createBackendServices({
          ...{ fhirBaseUrl: sandbox.fhirBaseUrl, clientId: 'job', keys, scope: 'system/Patient.rs' },
          dialect: intelichart({ jwksUrl: `${origin}/.well-known/jwks.json` }),
        }),
      async (fhir) => (await fhir?.fetch('Patient'))?.status,
    )
    sandbox.registerClient({ clientId: 'job', jwksUrl: `${app.origin}/.well-known/jwks.json`, scope: 'system/*.rs' })
    expect(await (await fetch(app.origin)).json()).toBe(200)
    const [request] = sandbox.requestsTo('/token')
    expect(request?.status).toBe(200)
    expect(readJwt(request?.form.get('client_assertion')).header).toEqual({ alg, typ: 'JWT', kid: 'in-kms' })
    expect(kms.signatures).toBe(1)
  },
)

describe('the assembled JWT', () => {
  it.each([
    ['ES256', 'P-256', 'sha256'],
    ['ES384', 'P-384', 'sha384'],
    ['ES512', 'P-521', 'sha512'],
  ] as const)('JWT-12 JWKS-08 an %s signature may come as DER or raw; it is sent raw', async (alg, curve, hash) => {
    const privateKey = keyOf(ecJwk(curve))
    const publicJwk = publicOf(privateKey)
    // Many, as each half has leading zeros now and then, which DER leaves out.
    for (let i = 0; i < 300; i++) {
      const dsaEncoding = i % 2 ? 'der' : 'ieee-p1363'
      const jwt = await jwtOf({
        alg,
        publicJwk,
        sign: (bytes: Uint8Array) => sign(hash, bytes, { key: privateKey, dsaEncoding }),
      })
      expect(readJwt(jwt).signature).toHaveLength({ ES256: 64, ES384: 96, ES512: 132 }[alg])
      if (i < 4) expect(verifiesWithNodeCrypto(jwt, publicJwk, hash)).toBe(true)
    }
  })

  it('JWKS-08 has the header and claims it was given, and the algorithm of the key', async () => {
    const { header, claims } = readJwt(await jwtOf(valid))
    expect(header).toEqual({ typ: 'JWT', kid: 'x', alg: 'ES384' })
    expect(claims).toEqual({ iss: 'job' })
  })

  it('JWKS-08 a CryptoKey that cannot be exported signs as well', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-384' }
    const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify'])
    const publicJwk = await crypto.subtle.exportKey('jwk', publicKey)
    const jwt = await jwtOf({
      ...{ alg: 'ES384', publicJwk },
      sign: (bytes: Uint8Array<ArrayBuffer>) =>
        crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-384' }, privateKey, bytes),
    })
    expect(verifiesWithNodeCrypto(jwt, publicJwk, 'sha384')).toBe(true)
  })

  it('JWKS-08 RSA and Ed25519 signatures are taken as they are', async () => {
    const rsa = keyOf(rsaJwk())
    await jwtOf({ alg: 'RS256', publicJwk: publicOf(rsa), sign: (bytes: Uint8Array) => sign('sha256', bytes, rsa) })
    const { privateKey } = generateKeyPairSync('ed25519')
    await jwtOf({
      alg: 'EdDSA',
      publicJwk: publicOf(privateKey),
      sign: (bytes: Uint8Array) => sign(null, bytes, privateKey),
    })
  })
})

it('JWKS-08 JWKS-07 is published by its public members, under its kid, or by its thumbprint', async () => {
  const local = await loadKeySet(EC)
  const publicJwk = { ...valid.publicJwk, alg: 'ES384', use: 'sig', key_ops: ['verify'], note: 'x' }
  const { kid: _kid, ...unnamed } = valid
  expect((await loadKeySet({ ...unnamed, publicJwk })).publicJwks()).toEqual(local.publicJwks())
  expect((await loadKeySet({ ...unnamed, publicJwk: { ...publicJwk, kid: 'own' } })).signingKey().kid).toBe('own')
  expect((await loadKeySet({ ...valid, publicJwk: { ...publicJwk, kid: 'own' } })).signingKey().kid).toBe('in-kms')
})

it('JWKS-06 JWKS-08 takes its turn in a rotation, beside keys whose private part is here', async () => {
  const keys = await loadKeySet({
    keys: [
      { ...ecJwk(), kid: 'here' },
      { ...valid, signFrom: '2026-07-02' },
    ],
  })
  expect(keys.signingKey(undefined, Date.UTC(2026, 6, 1)).kid).toBe('here')
  expect(keys.signingKey(undefined, Date.UTC(2026, 6, 2)).kid).toBe('in-kms')
})

it('JWKS-07 the kid of a key without one may come from the vendor', async () => {
  // Its method is the class's own, so the key must not be copied to name it.
  class KmsKey {
    alg = 'ES384' as const
    publicJwk = valid.publicJwk
    sign(bytes: Uint8Array) {
      return valid.sign(bytes)
    }
  }
  const key = (await loadKeySet(new KmsKey(), { kid: 'from-the-vendor' })).signingKey()
  expect(readJwt(await key.signJwt({ kid: key.kid }, {})).header.kid).toBe('from-the-vendor')
})

it('JWKS-08 a signer that never answers is abandoned after timeoutSeconds, and all callers get an error', async () => {
  const keys = await loadKeySet({ ...valid, sign: () => new Promise<Uint8Array>(() => {}) })
  const services = createBackendServices({
    ...{
      fhirBaseUrl: 'https://ehr.example.com/fhir',
      clientId: 'job',
      scope: 'system/*.rs',
      keys,
      timeoutSeconds: 0.05,
    },
    metadata: { token_endpoint: 'https://ehr.example.com/token' },
  })
  const failures = await Promise.all([1, 2, 3].map(() => failureOf(() => services.context())))
  for (const { code, message } of failures) {
    expect(code).toBe('timeout')
    expect(message).toBe(
      'The signer of the key "in-kms" (ES384) has not answered for 0.05 s. Check that it can be reached.',
    )
  }
})

describe('an external key that cannot work', () => {
  it.each<[string, object, RegExp]>([
    ['a symmetric publicJwk', { publicJwk: { kty: 'oct', k: 'c2VjcmV0' } }, /Key 1 \(external\) is symmetric/],
    ['a private publicJwk', { publicJwk: EC }, /private member "d" in its publicJwk\. Give only the public part/],
    ['no publicJwk', { publicJwk: undefined }, /Key 1 \(external\) is not a JWK object/],
    [
      'a publicJwk of 1024 bits',
      { alg: 'RS384', publicJwk: publicOf(keyOf(rsaJwk(1024))) },
      /1024 bits\. At least 2048/,
    ],
    ['an alg of another type', { alg: 'RS384' }, /alg "RS384", which a P-384 key cannot do\. Use ES384/],
    ['an alg of another curve', { alg: 'ES256' }, /alg "ES256", which a P-384 key cannot do\. Use ES384/],
    [
      'an alg other than its publicJwk',
      { alg: 'RS384', publicJwk: { ...publicOf(keyOf(rsaJwk())), alg: 'PS384' } },
      /alg "RS384", but its publicJwk has "PS384"/,
    ],
    ['a coordinate missing', { publicJwk: { ...valid.publicJwk, y: undefined } }, /has no "y"/],
    [
      'a point that is not on its curve',
      { publicJwk: { ...valid.publicJwk, y: valid.publicJwk.x } },
      /publicJwk that is not a valid key/,
    ],
    ['a sign that is no function', { sign: 'arn:aws:kms:…' }, /"sign" that is not a function/],
    ['an empty kid', { kid: '' }, /kid that is not a non-empty string/],
    ['a signFrom that is no time', { signFrom: 'soon' }, /signFrom that is not a time/],
  ])('JWKS-08 is refused when it is loaded, with nothing signed: %s', async (_name, change, message) => {
    let signatures = 0
    const counting = (bytes: Uint8Array) => {
      signatures++
      return valid.sign(bytes)
    }
    const failure = await failureOf(() => loadKeySet({ ...valid, sign: counting, ...change }))
    expect(failure.code).toBe('invalid_key')
    expect(failure.message).toMatch(message)
    expect(failure.message).not.toContain(EC.d)
    expect(signatures).toBe(0)
  })

  it('JWKS-08 a signer that fails says which key, and keeps the cause', async () => {
    const cause = new Error('AccessDeniedException')
    const failure = await failureOf(() => jwtOf({ ...valid, sign: () => Promise.reject(cause) }))
    expect(failure).toMatchObject({ code: 'token_unavailable', status: 503, cause })
    expect(failure.message).toMatch(
      /^The external signer of the key "in-kms" \(ES384\) failed\. Check that it can be reached/,
    )
  })

  it.each<[string, (bytes: Uint8Array) => unknown, RegExp]>([
    [
      'of another key',
      (bytes) => sign('sha384', bytes, keyOf(ecJwk())),
      /does not verify\. Check that both belong to the same key/,
    ],
    ['of another hash', (bytes) => sign('sha256', bytes, ecPrivate), /padding and hash of ES384/],
    ['that is empty', () => new Uint8Array(), /does not verify/],
    ['that is DER of something else', () => Uint8Array.of(0x30, 3, 2, 1, 1), /does not verify/],
    ['that is text', () => 'c2lnbmF0dXJl', /returned no bytes\. Return the signature as a Uint8Array/],
    ['that is nothing', () => undefined, /returned no bytes/],
  ])('JWKS-08 a signature %s is not sent', async (_name, signer, message) => {
    const failure = await failureOf(() => jwtOf({ ...valid, sign: signer }))
    expect(failure.code).toBe('invalid_key')
    expect(failure.message).toMatch(message)
  })
})
