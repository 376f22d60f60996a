import { decode } from 'jose/base64url'
import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'

/** The algorithms of an RSA key (RFC 7518 §3.1). RS384 is first, because SMART requires servers to accept it. */
export const RSA_ALGORITHMS: readonly SigningAlgorithm[] = ['RS384', 'RS256', 'RS512', 'PS256', 'PS384', 'PS512']

/** The algorithm of each curve (RFC 7518 §3.1, RFC 8037 §3.1). */
export const ALGORITHM_OF_CURVE: Readonly<Record<string, SigningAlgorithm>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
}

/** A shorter RSA key is refused, here and by servers (RFC 7518 §3.3). */
export const MIN_RSA_BITS = 2048

/** The members of the public part of a key (RFC 7518 §6.2.1, §6.3.1; RFC 8037 §2). */
export const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
}

/** Private members of a JWK (RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2): none may ever be published. */
export const PRIVATE_MEMBERS: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** How long servers may cache the JWKS by default, in seconds. */
export const DEFAULT_JWKS_MAX_AGE_SECONDS = 600

/**
 * How much longer than that a retired key stays in the JWKS, in seconds: 5 minutes for the longest life of an assertion (SMART
 * App Launch 2.2), and 5 minutes for clocks that differ.
 */
export const RETIRED_KEY_SECONDS = 600

/** The algorithms that a key can sign with, the preferred one first. Undefined if it cannot sign. */
export function algorithmsOf({ kty, crv }: { kty?: unknown; crv?: unknown }): readonly SigningAlgorithm[] | undefined {
  if (kty === 'RSA') return RSA_ALGORITHMS
  if ((kty !== 'EC' && kty !== 'OKP') || typeof crv !== 'string') return undefined
  const alg = Object.hasOwn(ALGORITHM_OF_CURVE, crv) ? ALGORITHM_OF_CURVE[crv] : undefined
  return alg && [alg]
}

/** The length of an RSA modulus in bits, without leading zeros; 0 if it is not base64url. */
export function rsaBits(modulus: string): number {
  try {
    const bytes = decode(modulus)
    const first = bytes.findIndex((byte) => byte !== 0)
    const top = bytes[first]
    return top === undefined ? 0 : (bytes.length - first) * 8 - Math.clz32(top) + 24
  } catch {
    return 0
  }
}
