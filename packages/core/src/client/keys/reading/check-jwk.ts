import { shownText } from '../../../shared/shown-text.ts'
import type { SigningAlgorithm } from '../../../shared/signing-algorithm.ts'
import { algorithmsOf, MIN_RSA_BITS, PRIVATE_MEMBERS, rsaBits } from '../key-rules.ts'
import { refuseKey } from '../refuse-key.ts'
import { MENDING } from './mending.ts'

/** A JWK that has passed all checks that need no cryptography. */
export interface CheckedJwk {
  kty: 'RSA' | 'EC' | 'OKP'
  alg: SigningAlgorithm
  kid?: string
  d?: string
  n?: string
  e?: string
  crv?: string
  x?: string
  y?: string
}

export interface JwkExpectation {
  /** The name of the key in messages. */
  readonly name: string
  /** Which part of the key the JWK must be. */
  readonly part: 'private' | 'public'
  /** The algorithm for a key that does not name one. */
  readonly alg?: SigningAlgorithm | undefined
}

/**
 * Checks a JWK's type, size, curve and algorithm (RFC 7518 §3.1, §6).
 *
 * @throws `invalid_key`
 */
export function checkJwk(value: unknown, { name, part, alg: defaultAlg }: JwkExpectation): CheckedJwk {
  const refuse = (fault: string) => refuseKey(`${name} ${fault}`)
  if (typeof value !== 'object' || value === null) return refuse('is not a JWK object.')
  const jwk = value as Record<string, unknown>
  const { kty, kid, alg = defaultAlg } = jwk
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) refuse('has a kid that is not a non-empty string.')
  if (jwk.use !== undefined && jwk.use !== 'sig') refuse('is not for signatures: its use is not "sig".')
  if (kty === 'oct') refuse('is symmetric (kty "oct"). Assertions need an RSA or EC private key.')
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') refuse('has no known kty. Use an RSA or EC private key.')
  if (part === 'private') checkIsPrivate(jwk, refuse)
  else checkIsPublic(jwk, refuse)
  if (kty === 'RSA') checkRsaSize(jwk, refuse)
  const fitting = algorithmsOf(jwk) ?? refuse(`is on ${curveName(jwk)}. Use P-384 (ES384), or P-256, P-521, Ed25519.`)
  const chosen = fitting.find((candidate) => alg === undefined || candidate === alg)
  const meant = fitting.find((candidate) => candidate.toLowerCase() === String(alg).toLowerCase())
  if (chosen === undefined && meant !== undefined) {
    refuse(`has alg "${shownText(String(alg))}". Write "${meant}": capitals count (RFC 7515 §4.1.1).`)
  }
  if (chosen !== undefined) return { ...jwk, alg: chosen } as CheckedJwk // its other members are checked later
  const kind = kty === 'RSA' ? 'an RSA key' : `a ${String(jwk.crv)} key`
  return refuse(`has alg "${shownText(String(alg))}", which ${kind} cannot do. Use ${fitting.join(' or ')}.`)
}

function checkIsPrivate(jwk: Record<string, unknown>, refuse: (fault: string) => never): void {
  if (typeof jwk.d === 'string') return
  refuse('is a public key: its private member "d" is missing. Pass the private key; the public part is derived.')
}

function checkIsPublic(jwk: Record<string, unknown>, refuse: (fault: string) => never): void {
  const secret = PRIVATE_MEMBERS.find((member) => jwk[member] !== undefined)
  if (secret === undefined) return
  refuse(`has the private member "${secret}" in its publicJwk. Give only the public part, or load the key itself.`)
}

function checkRsaSize({ n, e }: Record<string, unknown>, refuse: (fault: string) => never): void {
  const bits = typeof n === 'string' && typeof e === 'string' ? rsaBits(n) : refuse('has no "n" or "e".')
  if (bits < MIN_RSA_BITS)
    refuse(`is an RSA key of ${bits} bits. At least ${MIN_RSA_BITS} are needed. Make a new key: ${MENDING.newKey}`)
}

function curveName({ crv }: Record<string, unknown>): string {
  return typeof crv === 'string' ? `the curve ${shownText(crv)}` : 'no curve'
}
