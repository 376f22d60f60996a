import { createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto'
import { expect, it } from 'vitest'
import { loadKeySet } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { ecJwk, verifiesWithNodeCrypto } from '../support/signing-jwks.ts'

const EC = ecJwk()
const JWK = JSON.stringify({ ...EC, kid: 'schlüssel' })
const key = createPrivateKey({ key: EC as JsonWebKey, format: 'jwk' })
const PEM = key.export({ type: 'pkcs8', format: 'pem' }) as string
const SEC1_DER = key.export({ type: 'sec1', format: 'der' })
const PKCS8_DER = key.export({ type: 'pkcs8', format: 'der' })
const base64 = (text: string) => Buffer.from(text).toString('base64')
const arrayBufferOf = (bytes: Buffer) => new Uint8Array(bytes).buffer
const algorithm = { name: 'ECDSA', namedCurve: 'P-384' }
const cryptoKey = (extractable: boolean) =>
  crypto.subtle.importKey('jwk', EC as never, algorithm, extractable, ['sign'])

it.each<[string, () => unknown]>([
  ['text behind a BOM', () => `\uFEFF${JWK}`],
  ['a Buffer of JSON', () => Buffer.from(JWK)],
  ['a Buffer of PEM', () => Buffer.from(PEM)],
  ['a Buffer of UTF-16, as PowerShell writes it', () => Buffer.from(`\uFEFF${PEM}`, 'utf16le')],
  ['a part of a larger buffer', () => Buffer.concat([Buffer.from('xx'), Buffer.from(PEM)]).subarray(2)],
  ['an ArrayBuffer of PEM', () => arrayBufferOf(Buffer.from(PEM))],
  ['a Buffer of base64', () => Buffer.from(base64(PEM))],
  ['PKCS#8 in DER', () => PKCS8_DER],
  ['SEC1 in DER', () => new Uint8Array(SEC1_DER)],
  ['DER in base64, without the lines around it', () => PKCS8_DER.toString('base64')],
  ['base64 of JSON behind a BOM', () => base64(`\uFEFF${JWK}`)],
  ['base64 of a PEM behind other lines', () => base64(`Bag Attributes\n    friendlyName: job\n${PEM}`)],
  ['base64 of a PEM with Windows line ends', () => base64(PEM.replaceAll('\n', '\r\n'))],
  ['base64 in lines of Windows', () => base64(PEM).replace(/(.{64})/g, '$1\r\n')],
  ['base64url', () => Buffer.from(JWK).toString('base64url')],
  ['a KeyObject', () => key],
  ['a pair of KeyObjects', () => ({ privateKey: key, publicKey: createPublicKey(key) })],
  ['a CryptoKey', () => cryptoKey(true)],
  ['what a function gives of these', () => () => Buffer.from(PEM)],
])('JWKS-01 JWKS-08 a key may be %s', async (_name, source) => {
  const keys = await loadKeySet(await source())
  const [published] = keys.publicJwks().keys
  expect(published).toMatchObject({ kty: 'EC', x: EC.x, y: EC.y, alg: 'ES384' })
  expect(verifiesWithNodeCrypto(await keys.signingKey().signJwt({}, {}), published ?? {}, 'sha384')).toBe(true)
})

it('JWKS-07 JSON in base64 is UTF-8', async () => {
  expect((await loadKeySet(base64(JWK))).signingKey().kid).toBe('schlüssel')
})

it.each([
  [{ name: 'ECDSA', namedCurve: 'P-384' }, 'ES384'],
  [{ name: 'RSA-PSS', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' }, 'PS256'],
])('JWKS-08 a pair of CryptoKeys signs, though its private part cannot be read: %j', async (parameters, alg) => {
  const pair = await crypto.subtle.generateKey(parameters, false, ['sign', 'verify'])
  const keys = await loadKeySet(pair)
  expect(keys.signingKey().alg).toBe(alg)
  expect(await keys.signingKey().signJwt({}, {})).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
})

it.each<[string, () => unknown, RegExp]>([
  ['a public KeyObject', () => createPublicKey(key), /KeyObject is of the type "public"\. Pass the private key/],
  [
    'a KeyObject of another type',
    () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey,
    /KeyObject is of the type rsa-pss\. Use an RSA or EC key/,
  ],
  ['a lone CryptoKey that cannot be read', () => cryptoKey(false), /not extractable.*\{ privateKey, publicKey \}/],
  [
    'a CryptoKey for encryption',
    async () => crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']),
    /CryptoKey is secret\. Pass the private key/,
  ],
  [
    'a public key in DER',
    () => createPublicKey(key).export({ type: 'spki', format: 'der' }),
    /The key is a public key/,
  ],
  ['random bytes', () => Buffer.from([0x30, 0x82, 1, 2, 3]), /neither JSON nor PEM/],
  ['no bytes', () => new Uint8Array(), /got no key/],
])('JWT-15 %s is refused, with what to pass', async (_name, source, message) => {
  const failure = await failureOf(async () => loadKeySet(await source()))
  expect(failure.code).toBe('invalid_key')
  expect(failure.message).toMatch(message)
})
