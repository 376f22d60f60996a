import type { CryptoKey, JWK } from 'jose'
import type { SigningAlgorithm } from '../../../shared/signing-algorithm.ts'

/** A private key that WebCrypto has imported already, with the members that are checked and published. */
export class ImportedKey {
  readonly jwk: Omit<JWK, 'alg'>
  /** The algorithm that it was imported for. */
  readonly alg: SigningAlgorithm
  readonly privateKey: CryptoKey
  /** Whether the key is for this algorithm only. PEM and DER name no algorithm. */
  readonly isBound: boolean

  constructor(jwk: JWK, privateKey: CryptoKey, use: { alg: SigningAlgorithm; isBound: boolean }) {
    // The algorithm is the one of the import, not the one in the JWK.
    const { alg: _, ...members } = jwk
    this.jwk = members
    this.alg = use.alg
    this.privateKey = privateKey
    this.isBound = use.isBound
  }
}
