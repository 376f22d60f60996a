import { encode } from 'jose/base64url'
import { fromBase64 } from './base64-text.ts'

/** Members that are numbers: base64url without leading zero bytes (RFC 7518 §2, §6.3). */
const NUMBER_MEMBERS: readonly string[] = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi']
/** The full length of a coordinate in bytes (RFC 7518 §6.2.1.2, RFC 8037 §2). */
const COORDINATE_BYTES: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66, Ed25519: 32 }
const COORDINATES: readonly string[] = ['x', 'y', 'd']

/**
 * The key in the form of RFC 7518: base64url, no leading zeros in numbers, coordinates at their full length. Some tools write
 * other forms, and the thumbprint depends on the form.
 */
export function normalisedJwk(jwk: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const length = COORDINATE_BYTES[String(jwk.crv)]
  const names = jwk.kty === 'RSA' ? NUMBER_MEMBERS : COORDINATES
  const changed: Record<string, unknown> = {}
  for (const name of names) {
    const value = jwk[name]
    const bytes = typeof value === 'string' ? fromBase64(value) : undefined
    if (bytes !== undefined) changed[name] = encode(jwk.kty === 'RSA' ? shortened(bytes) : padded(bytes, length))
  }
  return { ...jwk, ...changed }
}

function shortened(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0)
  return start < 0 ? bytes.subarray(0, 1) : bytes.subarray(start)
}

/** A coordinate that is too long stays as it is; the import refuses it. */
function padded(bytes: Uint8Array, length = 0): Uint8Array {
  const short = bytes.length > length ? shortened(bytes) : bytes
  if (short.length >= length) return short.length > length ? bytes : short
  const full = new Uint8Array(length)
  full.set(short, length - short.length)
  return full
}
