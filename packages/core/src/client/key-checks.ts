import { FhirAuthError } from '../errors.ts'

/** SMART requires RS384 and ES384 of servers; the others are for servers that list them. */
export type SigningAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'

/** A private JWK that passed every check that needs no cryptography. */
export interface PrivateJwk {
  kty: 'RSA' | 'EC' | 'OKP'
  alg: SigningAlgorithm
  kid?: string
  d: string
  n?: string
  e?: string
  crv?: string
  x?: string
  y?: string
}

const RSA_ALGORITHMS: readonly string[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const ALGORITHM_OF_CURVE: Readonly<Record<string, SigningAlgorithm>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
}
const MIN_RSA_BITS = 2048

/**
 * Checks a private JWK's type, size, curve and algorithm (RFC 7518 §3.1, §6).
 *
 * @param name - how messages call the key
 * @param defaultAlg - the algorithm for a key that does not name one
 * @throws `invalid_key`
 */
export function checkPrivateJwk(value: unknown, name: string, defaultAlg: SigningAlgorithm | undefined): PrivateJwk {
  const refuse = (fault: string): never => {
    throw new FhirAuthError('invalid_key', `${name} ${fault}`)
  }
  if (typeof value !== 'object' || value === null) return refuse('is not a JWK object.')
  const jwk = value as Record<string, unknown>
  const { kty, kid, alg = defaultAlg } = jwk
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) refuse('has a kid that is not a non-empty string.')
  if (jwk.use !== undefined && jwk.use !== 'sig') refuse('is not for signatures: its use is not "sig".')
  if (kty === 'oct') refuse('is symmetric (kty "oct"). Assertions need an RSA or EC private key.')
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') refuse('has no known kty. Use an RSA or EC private key.')
  if (typeof jwk.d !== 'string') {
    refuse('is a public key: its private member "d" is missing. Pass the private key; the public part is derived.')
  }
  const fitting = kty === 'RSA' ? checkRsa(jwk, refuse) : checkCurve(jwk, refuse)
  const chosen = typeof alg === 'string' ? alg : (fitting[0] ?? '')
  if (!fitting.includes(chosen)) {
    const kind = kty === 'RSA' ? 'an RSA key' : `a ${String(jwk.crv)} key`
    refuse(`has alg "${chosen}", which ${kind} cannot do. Use ${fitting.join(' or ')}.`)
  }
  return { ...jwk, alg: chosen } as PrivateJwk
}

function checkRsa(jwk: Record<string, unknown>, refuse: (fault: string) => never): string[] {
  const modulus = jwk.n
  if (typeof modulus !== 'string' || typeof jwk.e !== 'string') return refuse('has no "n" or "e".')
  const bits = Math.floor((modulus.length * 6) / 8) * 8
  if (bits < MIN_RSA_BITS) refuse(`is an RSA key of ${bits} bits. At least ${MIN_RSA_BITS} are needed.`)
  // RS384 first: the one RSA algorithm that SMART requires servers to accept.
  return ['RS384', ...RSA_ALGORITHMS.filter((alg) => alg !== 'RS384')]
}

function checkCurve(jwk: Record<string, unknown>, refuse: (fault: string) => never): string[] {
  const curve = jwk.crv
  const alg = typeof curve === 'string' && Object.hasOwn(ALGORITHM_OF_CURVE, curve) && ALGORITHM_OF_CURVE[curve]
  if (!alg)
    return refuse(
      `is on ${typeof curve === 'string' ? `the curve ${curve}` : 'no curve'}. Use P-384 (ES384), or P-256, P-521, Ed25519.`,
    )
  return [alg]
}
