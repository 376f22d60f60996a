import { constants, createHash, generateKeyPair, type JsonWebKey, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'

export interface SigningKey {
  kid: string
  privateKey: KeyObject
  /** The private key in the form that the authorization server is configured with. */
  jwk: JsonWebKey & { kid: string; alg: string; use: string }
}

export interface SignIdTokenOptions {
  /** `unknown` signs with a key that is published nowhere, under a `kid` of its own. Default `current`. */
  key?: 'current' | 'unknown' | undefined
  /** Value of the header member `alg`. `none` leaves the signature empty. Default `RS256`. */
  alg?: string | undefined
}

/** A fresh RSA key: RS256 is the one algorithm that every SMART server must sign with. */
export async function generateSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const { e, kty, n } = publicKey.export({ format: 'jwk' })
  // RFC 7638: the thumbprint's members in alphabetical order
  const kid = createHash('sha256').update(JSON.stringify({ e, kty, n })).digest('base64url')
  return { kid, privateKey, jwk: { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' } }
}

/** @throws TypeError for an algorithm that an RSA key cannot do */
export function signJwt(claims: object, { kid, privateKey }: SigningKey, alg = 'RS256'): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${encode({ alg, typ: 'JWT', kid })}.${encode(claims)}`
  if (alg === 'none') return `${input}.`
  const [, family, bits] = /^(RS|PS)(256|384|512)$/.exec(alg) ?? []
  if (!family) throw new TypeError(`cannot sign with alg ${alg}: use RS256, RS384, RS512, PS256, PS384, PS512 or none`)
  const padding =
    family === 'PS'
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : { padding: constants.RSA_PKCS1_PADDING }
  return `${input}.${sign(`sha${bits}`, Buffer.from(input), { key: privateKey, ...padding }).toString('base64url')}`
}
