import { decode, encode } from 'jose/base64url'

type Numbers = Readonly<Record<string, unknown>>

/** Finding the primes of a longer key would block the process for seconds. */
const MAX_FACTORED_BITS = 8192
/** Each try succeeds with a probability of at least one half (RFC 8017 §3.2; NIST SP 800-56B, appendix C.2). */
const TRIES = 64

/**
 * Whether the members of a private RSA JWK belong together (RFC 8017 §3.2): the primes make the modulus, and the exponents
 * and the coefficient are those of the primes. An import does not check this, and a signature with a wrong key aborts the
 * whole process on Node 20.19.0.
 */
export function isConsistentRsa(jwk: Numbers): boolean {
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
    // A member is missing, not base64url, or zero.
    return false
  }
}

/**
 * Adds the primes and the members that follow from them. A JWK may have only `n`, `e` and `d` (RFC 7518 §6.3.2), but WebCrypto
 * needs all members. The key is unchanged if it has them, or if the primes cannot be found.
 */
export function withPrimes<Jwk extends Numbers>(jwk: Jwk): Jwk {
  const missing = ['p', 'q', 'dp', 'dq', 'qi'].filter((member) => jwk[member] === undefined)
  if (missing.length === 0 || jwk.oth !== undefined) return jwk
  try {
    const [n, e, d] = [toBigInt(jwk.n), toBigInt(jwk.e), toBigInt(jwk.d)]
    const [p, q] =
      missing.includes('p') || missing.includes('q') ? primesOf(n, e, d) : [toBigInt(jwk.p), toBigInt(jwk.q)]
    const numbers = { p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: power(q, p - 2n, p) }
    return { ...jwk, ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, toText(value)])) }
  } catch {
    // Its members do not belong together. isConsistentRsa() refuses the key next.
    return jwk
  }
}

/** @throws RangeError if they cannot be found */
function primesOf(n: bigint, e: bigint, d: bigint): [p: bigint, q: bigint] {
  if (n.toString(16).length * 4 > MAX_FACTORED_BITS || e >= n || d >= n) throw new RangeError('too large')
  let odd = e * d - 1n
  let halvings = 0
  while (odd > 0n && odd % 2n === 0n) {
    odd /= 2n
    halvings++
  }
  if (halvings === 0) throw new RangeError('no multiple of an even number')
  for (let base = 2n; base < 2n + BigInt(TRIES); base++) {
    let root = power(base, odd, n)
    for (let step = 0; step < halvings; step++) {
      const square = (root * root) % n
      // A root of 1 other than 1 and -1 shares a prime with n.
      if (square === 1n && root !== 1n && root !== n - 1n) {
        const prime = greatestDivisor(root - 1n, n)
        return prime > n / prime ? [prime, n / prime] : [n / prime, prime]
      }
      root = square
    }
  }
  throw new RangeError('no primes found')
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let square = base % modulus
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

function greatestDivisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : greatestDivisor(b, a % b)
}

function toBigInt(member: unknown): bigint {
  const hex = Array.from(decode(String(member)), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return BigInt(`0x${hex}`)
}

function toText(value: bigint): string {
  const hex = value.toString(16)
  const even = hex.padStart(hex.length + (hex.length % 2), '0')
  return encode(Uint8Array.from(even.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)))
}
