import { decode } from 'jose/base64url'

/**
 * Whether the members of a private RSA JWK belong together (RFC 8017 §3.2): the primes make the modulus, and the exponents
 * and the coefficient are those of the primes. An import does not look, and a signature with such a key aborts the whole
 * process on Node 20.19.0.
 */
export function isConsistentRsa(jwk: Readonly<Record<string, unknown>>): boolean {
  try {
    const number = (member: string) => toBigInt(jwk[member])
    const [n, e, d, p, q] = [number('n'), number('e'), number('d'), number('p'), number('q')]
    const isInverse = (prime: bigint) => (d * e) % (prime - 1n) === 1n
    return (
      p * q === n &&
      isInverse(p) &&
      isInverse(q) &&
      number('dp') === d % (p - 1n) &&
      number('dq') === d % (q - 1n) &&
      (number('qi') * q) % p === 1n
    )
  } catch {
    // A member that is missing, no base64url or zero.
    return false
  }
}

function toBigInt(member: unknown): bigint {
  const hex = Array.from(decode(String(member)), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return BigInt(`0x${hex}`)
}
