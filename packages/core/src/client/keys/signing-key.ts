import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import type { KeyTimes } from './key-times.ts'
import type { PublicJwk } from './public-jwk.ts'

/** One key that signs assertions, and when it does. */
export interface SigningKey extends KeyTimes {
  readonly kid: string
  /** What it signs with, unless the header says another of its algorithms. */
  readonly alg: SigningAlgorithm
  /** All that it can sign with: several for an RSA key that names none. */
  readonly algorithms: readonly SigningAlgorithm[]
  readonly publicJwk: PublicJwk
  /** A compact JWS over the header and claims. */
  signJwt(header: Record<string, unknown>, claims: Record<string, unknown>): Promise<string>
}
