import { execFileSync } from 'node:child_process'
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createBackendServices, type LoadKeyOptions, loadKeySet, smart } from '../../src/index.ts'
import { failureOf } from '../support/failure-of.ts'
import { programIsMissing } from '../support/installed-program.ts'
import { readJwt } from '../support/signing-jwks.ts'
import { grantOf, sendJson, startTokenServer } from '../support/token-server.ts'

const TYPES = {
  RSA: ['rsa:2048'],
  'RSA-PSS by algorithm': ['rsa:2048'],
  'P-256': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  Ed25519: ['ed25519'],
} as const

/** A key and its self-signed certificate, as openssl makes them. */
function certified(type: keyof typeof TYPES): { key: KeyObject; pem: string; der: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
  try {
    const [keyFile, file] = ['key.pem', 'certificate.pem'].map((name) => join(folder, name)) as [string, string]
    const made = ['req', '-x509', '-nodes', '-newkey', ...TYPES[type], '-subj', '/CN=app', '-days', '2']
    execFileSync('openssl', [...made, '-keyout', keyFile, '-out', file], { stdio: 'ignore' })
    const pem = readFileSync(file, 'utf8')
    return { key: createPrivateKey(readFileSync(keyFile, 'utf8')), pem, der: new X509Certificate(pem).raw }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const HEADER = ['x5t', 'x5t#S256', 'x5c'] as const

async function headerSent(source: unknown, options: LoadKeyOptions = {}, header: readonly string[] = HEADER) {
  const server = await startTokenServer((_, response) => sendJson(response, grantOf(1)))
  const dialect = smart({ assertion: { header: header as typeof HEADER } })
  const keys = await loadKeySet(source, options)
  const { fhirBaseUrl } = server
  const services = createBackendServices({ fhirBaseUrl, clientId: 'job', keys, dialect, scope: 'system/Patient.rs' })
  await services.context()
  const published = JSON.stringify(keys.publicJwks())
  return { header: readJwt(server.tokenRequests[0]?.form.get('client_assertion')).header, published }
}

const digest = (name: string, der: Buffer) => createHash(name).update(der).digest('base64url')

describe.skipIf(programIsMissing('openssl'))('the certificate of a key in the header of the assertion', () => {
  it.each(Object.keys(TYPES) as (keyof typeof TYPES)[])(
    'JWT-03 RFC 7515 §4.1.6 to §4.1.8: of a %s key, from the option and from x5c of the JWK',
    async (type) => {
      const { key, pem, der } = certified(type)
      const alg = type.startsWith('RSA-PSS') ? ('PS384' as const) : undefined
      const expected = { x5t: digest('sha1', der), 'x5t#S256': digest('sha256', der), x5c: [der.toString('base64')] }
      const jwk = { ...key.export({ format: 'jwk' }), x5c: [der.toString('base64')] }
      const given = await headerSent(key.export({ type: 'pkcs8', format: 'pem' }), { certificate: pem, alg })
      expect(given.header).toMatchObject({ ...expected, typ: 'JWT', kid: expect.any(String) })
      const oneLine = await headerSent(key, { certificate: pem.replaceAll('\n', '\\n'), alg })
      expect(oneLine.header).toMatchObject(expected)
      expect((await headerSent(jwk, { alg })).header).toMatchObject(expected)
    },
  )

  it('JWT-03 only what the dialect names is sent, and the JWKS has none of it', async () => {
    const { key, der } = certified('P-384')
    const jwk = { ...key.export({ format: 'jwk' }), x5c: [der.toString('base64')] }
    const { header, published } = await headerSent(jwk, {}, ['x5t#S256'])
    expect(Object.keys(header).sort()).toEqual(['alg', 'kid', 'typ', 'x5t#S256'])
    expect(Object.keys((await headerSent(jwk, {}, [])).header).sort()).toEqual(['alg', 'kid', 'typ'])
    expect(published).not.toMatch(/"x5/)
  })

  it('JWT-03 RFC 7517 §4.7: the certificates above it stand behind it', async () => {
    const [own, above] = [certified('P-256'), certified('RSA')]
    const { header } = await headerSent(own.key, { certificate: own.pem + above.pem })
    expect(header.x5c).toEqual([own.der, above.der].map((der) => der.toString('base64')))
    const failure = await failureOf(() => headerSent(own.key, { certificate: above.pem + own.pem }))
    expect(failure.message).toMatch(/belongs to another key. Give the certificate that was issued for this key, before/)
  })

  it.each([
    ['of another key of its type', () => certified('P-384').pem, /belongs to another key/],
    ['of another type of key', () => certified('RSA').pem, /belongs to another key/],
    ['that is no PEM', () => 'certificate.pem', /cannot be read. Give PEM text/],
    ['that is cut off', () => certified('P-384').pem.replace(/\n[\s\S]{300}/, '\n'), /another key|cannot be read/],
  ])('JWT-03 RFC 7517 §4.7: one %s is refused when the key is loaded', async (_name, pem, message) => {
    const { key } = certified('P-384')
    expect(await failureOf(() => loadKeySet(key, { certificate: pem() }))).toMatchObject({
      code: 'invalid_key',
      message: expect.stringMatching(message),
    })
  })

  it.each<[string, unknown, RegExp]>([
    ['none', undefined, /has no certificate. Write x5c into its JWK, or loadKeySet\(source, \{ certificate \}\)/],
    ['a text', 'MIIB', /cannot be read/],
    ['an empty list', [], /cannot be read/],
    ['a list of other things', [7], /cannot be read/],
    ['no DER', ['AAAA'], /belongs to another key/],
  ])('JWT-03 a JWK with x5c of %s: the message says so when the server is asked', async (_name, x5c, message) => {
    const jwk = { ...certified('P-384').key.export({ format: 'jwk' }), x5c }
    const failure = await failureOf(() => headerSent(jwk))
    expect(failure).toMatchObject({ code: 'invalid_key', message: expect.stringMatching(message) })
  })
})
