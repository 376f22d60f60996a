import { createPublicKey, generateKeyPairSync, type JsonWebKey, verify } from 'node:crypto'

export type PrivateTestJwk = JsonWebKey & { kty: string; kid?: string; alg?: string; use?: string }

/** A private RSA key, made now. */
export function rsaJwk(bits = 2048): PrivateTestJwk {
  return generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ format: 'jwk' }) as PrivateTestJwk
}

/** A private EC key, made now. */
export function ecJwk(namedCurve = 'P-384'): PrivateTestJwk {
  return generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'jwk' }) as PrivateTestJwk
}

export interface ReadJwt {
  header: Record<string, unknown>
  claims: Record<string, unknown>
  signature: Buffer
}

export function readJwt(jwt: string | null | undefined): ReadJwt {
  const [header = '', claims = '', signature = ''] = (jwt ?? '').split('.')
  const json = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
  return { header: json(header), claims: json(claims), signature: Buffer.from(signature, 'base64url') }
}

/** Verifies with node:crypto alone, as a party that has never heard of this library would. */
export function verifiesWithNodeCrypto(jwt: string, publicJwk: object, hash: string): boolean {
  const key = createPublicKey({ key: publicJwk as JsonWebKey, format: 'jwk' })
  const end = jwt.lastIndexOf('.')
  const signature = Buffer.from(jwt.slice(end + 1), 'base64url')
  return verify(hash, Buffer.from(jwt.slice(0, end)), { key, dsaEncoding: 'ieee-p1363' }, signature)
}
