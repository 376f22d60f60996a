import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import type { KeyTimes } from './key-times.ts'
import type { PublicJwk } from './public-jwk.ts'

/** One key that signs assertions, and when it does. */
export interface SigningKey extends KeyTimes {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly publicJwk: PublicJwk
  /** A compact JWS over the header and claims. */
  signJwt(header: Record<string, unknown>, claims: Record<string, unknown>): Promise<string>
}
