import { encode } from 'jose/base64url'
import type { SigningAlgorithm } from '../../../shared/signing-algorithm.ts'
import { PUBLIC_MEMBERS } from '../key-rules.ts'
import type { PublicJwk } from '../public-jwk.ts'
import { refuseKey } from '../refuse-key.ts'
import { fromBase64 } from './base64-text.ts'
import { readDer, SEQUENCE } from './der-elements.ts'
import { webCryptoAlgorithm } from './webcrypto-algorithm.ts'

/** What names the certificate of a key in the header of an assertion (RFC 7515 §4.1.6 to §4.1.8). */
export interface CertificateHeaders {
  /** The certificate, and those above it, in standard base64. */
  readonly x5c: readonly string[]
  /** SHA-1 of the certificate. */
  readonly x5t: string
  readonly 'x5t#S256': string
}

const BLOCK = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/g
/** The optional version of a certificate (RFC 5280 §4.1), tagged [0]. */
const VERSION = 0xa0
/** The place of the public key behind the version: serial number, algorithm, issuer, validity and subject are before it. */
const PUBLIC_KEY = 5

/**
 * Reads the certificates of a key, and checks that the first one belongs to it.
 *
 * @param source - PEM text, or the member `x5c` of a JWK (RFC 7517 §4.7)
 * @throws `invalid_key`
 */
export async function readCertificates(
  source: unknown,
  { kid, publicJwk, alg }: CertifiedKey,
): Promise<CertificateHeaders> {
  const title = `The certificate of the key "${kid}"`
  const texts = typeof source === 'string' ? pemBodies(source) : source
  const all = Array.isArray(texts) ? texts.map((text) => (typeof text === 'string' ? fromBase64(text) : undefined)) : []
  const certificates = all.flatMap((bytes) => bytes ?? [])
  const [own] = certificates
  if (own === undefined || certificates.length < all.length) {
    return refuseKey(
      `${title} cannot be read. Give PEM text ("-----BEGIN CERTIFICATE-----"), or a JWK whose x5c is a list of certificates in base64.`,
    )
  }
  const certified = await publicKeyIn(own, alg)
  const members = PUBLIC_MEMBERS[publicJwk.kty] ?? []
  if (certified === undefined || !members.every((name) => certified[name] === publicJwk[name as keyof PublicJwk])) {
    refuseKey(
      `${title} belongs to another key. Give the certificate that was issued for this key, before those above it.`,
    )
  }
  return Object.freeze({
    x5c: Object.freeze(certificates.map((bytes) => btoa(String.fromCharCode(...bytes)))),
    x5t: await digestOf('SHA-1', own),
    'x5t#S256': await digestOf('SHA-256', own),
  })
}

/** What of a signing key is compared with its certificate. */
export interface CertifiedKey {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly publicJwk: PublicJwk
}

function pemBodies(text: string): string[] {
  // An environment variable often holds a PEM on one line, its line ends written as "\n".
  return [...text.replaceAll('\\r', '').replaceAll('\\n', '\n').matchAll(BLOCK)].map(([, body = '']) => body)
}

/** The members of a certificate's public key; undefined for one of another type than the key's. */
async function publicKeyIn(
  certificate: Uint8Array,
  alg: SigningAlgorithm,
): Promise<Record<string, unknown> | undefined> {
  const [outer] = readDer(certificate) ?? []
  const [signed] = (outer && readDer(outer.content)) ?? []
  const fields = (signed && readDer(signed.content)) ?? []
  const publicKey = fields[fields[0]?.tag === VERSION ? PUBLIC_KEY + 1 : PUBLIC_KEY]
  if (publicKey?.tag !== SEQUENCE) return undefined
  try {
    const bytes = Uint8Array.from(publicKey.whole)
    const key = await crypto.subtle.importKey('spki', bytes, webCryptoAlgorithm(alg), true, ['verify'])
    return { ...(await crypto.subtle.exportKey('jwk', key)) }
  } catch {
    return undefined
  }
}

async function digestOf(name: 'SHA-1' | 'SHA-256', bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encode(new Uint8Array(await crypto.subtle.digest(name, bytes)))
}
