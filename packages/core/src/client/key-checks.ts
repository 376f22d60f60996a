import { FhirAuthError } from '../errors.ts'
import { shownText } from '../shared/shown-text.ts'
import type { SigningAlgorithm } from '../shared/signing-algorithm.ts'

/** A JWK that passed every check that needs no cryptography. */
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

/** What the app says of a key that does not say it itself. */
export interface KeyDefaults {
  readonly alg?: SigningAlgorithm | undefined
  readonly kid?: string | undefined
}

const RSA_ALGORITHMS: readonly string[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const ALGORITHM_OF_CURVE: Readonly<Record<string, SigningAlgorithm>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
}
const MIN_RSA_BITS = 2048

/** Private members of a JWK (RFC 7518 §6.2.2, §6.3.2, §6.4): none may ever be published. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * Checks a JWK's type, size, curve and algorithm (RFC 7518 §3.1, §6).
 *
 * @param name - how messages call the key
 * @param part - which part of the key the JWK has to be
 * @param defaultAlg - the algorithm for a key that does not name one
 * @throws `invalid_key`
 */
export function checkJwk(
  value: unknown,
  name: string,
  part: 'private' | 'public',
  defaultAlg: SigningAlgorithm | undefined,
): CheckedJwk {
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
  const fitting = kty === 'RSA' ? checkRsa(jwk, refuse) : checkCurve(jwk, refuse)
  const chosen = typeof alg === 'string' ? alg : (fitting[0] ?? '')
  if (!fitting.includes(chosen)) {
    const kind = kty === 'RSA' ? 'an RSA key' : `a ${String(jwk.crv)} key`
    refuse(`has alg "${shownText(chosen)}", which ${kind} cannot do. Use ${fitting.join(' or ')}.`)
  }
  return { ...jwk, alg: chosen } as CheckedJwk
}

/**
 * The `kid` of a key that has one, or the one that the app has from the vendor.
 *
 * @throws `invalid_key` where both are there and differ
 */
export function kidOf(own: string | undefined, name: string, given: string | undefined): string | undefined {
  if (own === undefined || given === undefined || own === given) return own ?? given
  return refuseKey(
    `${name} has the kid "${shownText(own)}", but loadKeySet() was given kid "${shownText(given)}". Remove the wrong one.`,
  )
}

/** @throws `invalid_key` always */
export function refuseKey(message: string, cause?: unknown): never {
  throw new FhirAuthError('invalid_key', message, { cause })
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
      `is on ${typeof curve === 'string' ? `the curve ${shownText(curve)}` : 'no curve'}. Use P-384 (ES384), or P-256, P-521, Ed25519.`,
    )
  return [alg]
}
