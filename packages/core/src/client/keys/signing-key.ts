import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import type { KeyTimes } from './key-times.ts'
import type { PublicJwk } from './public-jwk.ts'

/** A key that signs assertions, and when it does. */
export interface SigningKey extends KeyTimes {
  readonly kid: string
  /** The algorithm that it signs with, unless the header names another of its algorithms. */
  readonly alg: SigningAlgorithm
  /** All its algorithms: several for an RSA key without `alg`. */
  readonly algorithms: readonly SigningAlgorithm[]
  readonly publicJwk: PublicJwk
  /** Its certificate: PEM text, or `x5c` of its JWK. Read when a dialect wants it in the header. */
  readonly certificate?: unknown
  /** Returns a compact JWS over the header and claims. */
  signJwt(header: Record<string, unknown>, claims: Record<string, unknown>): Promise<string>
}
