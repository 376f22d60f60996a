import type { JWK } from 'jose'
import { FhirAuthError } from '../../../errors.ts'
import type { MaybePromise } from '../../../shared/maybe-promise.ts'
import type { SigningAlgorithm } from '../../../shared/signing-algorithm.ts'
import { readKeyTimes } from '../key-times.ts'
import { publicMembersOf } from '../public-jwk.ts'
import { refuseKey } from '../refuse-key.ts'
import type { SigningKey } from '../signing-key.ts'
import { checkJwk } from './check-jwk.ts'
import { INTEGER, readDer, SEQUENCE } from './der-elements.ts'
import { type KeyDefaults, kidOf } from './key-defaults.ts'
import { normalisedJwk } from './normalised-jwk.ts'

/** A key whose private part is not available: in a key management service, a hardware module, a non-extractable `CryptoKey`. */
export interface ExternalKey {
  alg: SigningAlgorithm
  /** Default: `kid` of `publicJwk`, or its RFC 7638 thumbprint. */
  kid?: string | undefined
  /** The public part. It is published, and each signature is checked with it. */
  publicJwk: object
  /**
   * Signs the bytes. Hashing, as `alg` says, is part of signing. The signature of an ES* algorithm may be DER, as key
   * management services return it, or the raw form of JOSE.
   */
  sign: (bytes: Uint8Array) => MaybePromise<Uint8Array | ArrayBuffer>
  /** When it begins to sign: ISO 8601, or seconds since the epoch. Default: at once. */
  signFrom?: string | number | undefined
  /** When it stops signing. Default: when a newer key of its algorithm begins. */
  signUntil?: string | number | undefined
}

/** Bytes of each half of an ES* signature (RFC 7518 §3.4). */
const HALF_BYTES: Readonly<Record<string, number>> = { ES256: 32, ES384: 48, ES512: 66 }

export function isExternalKey(value: unknown): value is ExternalKey {
  return typeof value === 'object' && value !== null && 'sign' in value && 'publicJwk' in value
}

/**
 * Makes a signing key of an external key. It signs nothing yet, because a signature may cost money.
 *
 * @param name - the name of the key in messages
 * @throws `invalid_key` if its parts do not fit together
 */
export async function externalKey(key: ExternalKey, name: string, defaults: KeyDefaults = {}): Promise<SigningKey> {
  const { importJWK } = await import('jose/key/import')
  const { calculateJwkThumbprint } = await import('jose/jwk/thumbprint')
  const { encode } = await import('jose/base64url')
  const { compactVerify } = await import('jose/jws/compact/verify')
  if (typeof key.sign !== 'function') refuseKey(`${name} has a "sign" that is not a function.`)
  const expected = { name: `${name} (external)`, part: 'public' } as const
  const normalised = isObject(key.publicJwk) ? normalisedJwk({ ...key.publicJwk }) : key.publicJwk
  const given = checkJwk(normalised, expected)
  const own = { ...normalised, alg: key.alg, ...(key.kid !== undefined && { kid: key.kid }) }
  const jwk = checkJwk(own, expected)
  if ((normalised as JWK).alg !== undefined && given.alg !== key.alg) {
    refuseKey(`${name} has alg "${key.alg}", but its publicJwk has "${given.alg}".`)
  }
  const times = readKeyTimes(key, name)
  const { kty, alg } = jwk
  const publicMembers = publicMembersOf(jwk, `${name} (external)`)
  let publicKey: Awaited<ReturnType<typeof importJWK>>
  let thumbprint: string
  try {
    publicKey = await importJWK(publicMembers as JWK, alg)
    thumbprint = await calculateJwkThumbprint(publicMembers as JWK)
  } catch (cause) {
    return refuseKey(
      `${name} (external, ${kty}, ${alg}) has a publicJwk that is not a valid key. Export it again.`,
      cause,
    )
  }
  const kid = kidOf(jwk.kid, name, defaults.kid) ?? thumbprint
  const title = `The external signer of the key "${kid}" (${alg})`
  return Object.freeze({
    kid,
    alg,
    algorithms: Object.freeze([alg]),
    publicJwk: Object.freeze({ ...publicMembers, kid, alg, use: 'sig' as const }),
    ...times,
    async signJwt(header: Record<string, unknown>, claims: Record<string, unknown>) {
      // The signature is over both parts (RFC 7515 §5.1).
      const input = [{ ...header, alg }, claims].map((part) => encode(JSON.stringify(part))).join('.')
      const signature = await signatureOf(key, new TextEncoder().encode(input), title)
      const jws = `${input}.${encode(joseSignature(signature, alg))}`
      try {
        await compactVerify(jws, publicKey)
      } catch (cause) {
        refuseKey(
          `${title} gave a signature that its publicJwk does not verify. Check that both belong to the same key, and that it signs the bytes themselves, with the padding and hash of ${alg}.`,
          cause,
        )
      }
      return jws
    },
  })
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

async function signatureOf(key: ExternalKey, bytes: Uint8Array, title: string): Promise<Uint8Array> {
  let signature: unknown
  try {
    signature = await key.sign(bytes)
  } catch (cause) {
    throw new FhirAuthError(
      'token_unavailable',
      `${title} failed. Check that it can be reached and lets this app sign; its own error is the cause.`,
      { cause },
    )
  }
  if (signature instanceof ArrayBuffer) return new Uint8Array(signature)
  // Not `instanceof`, because some test runners have bytes of another realm.
  if (ArrayBuffer.isView(signature)) return new Uint8Array(signature.buffer, signature.byteOffset, signature.byteLength)
  return refuseKey(`${title} returned no bytes. Return the signature as a Uint8Array.`)
}

/** Converts a DER signature (RFC 3279 §2.2.3), as key management services return it, to JOSE's raw form (RFC 7518 §3.4). */
function joseSignature(signature: Uint8Array, alg: SigningAlgorithm): Uint8Array {
  const half = HALF_BYTES[alg]
  if (half === undefined || signature.length === 2 * half) return signature
  const [sequence, ...rest] = readDer(signature) ?? []
  const numbers = sequence?.tag === SEQUENCE && rest.length === 0 ? (readDer(sequence.content) ?? []) : []
  if (numbers.length !== 2 || numbers.some(({ tag }) => tag !== INTEGER)) return signature
  const raw = new Uint8Array(2 * half)
  for (const [index, { content }] of numbers.entries()) {
    const digits = content.subarray(content.findIndex((byte) => byte !== 0))
    if (digits.length > half) return signature
    raw.set(digits, (index + 1) * half - digits.length)
  }
  return raw
}
