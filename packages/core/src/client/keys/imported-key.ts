import type { CryptoKey, JWK } from 'jose'
import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'

/** A private key that WebCrypto holds already, with its members for what is checked and published. */
export class ImportedKey {
  readonly jwk: Omit<JWK, 'alg'>
  /** What it was imported for. */
  readonly alg: SigningAlgorithm
  readonly privateKey: CryptoKey
  /** Whether the app chose the algorithm: PEM and DER name none. */
  readonly isBound: boolean

  constructor(jwk: JWK, privateKey: CryptoKey, use: { alg: SigningAlgorithm; isBound: boolean }) {
    // Its algorithm is what WebCrypto was told, not what the key says.
    const { alg: _, ...members } = jwk
    this.jwk = members
    this.alg = use.alg
    this.privateKey = privateKey
    this.isBound = use.isBound
  }
}
