import type { CryptoKey, JWK } from 'jose'
import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'

/** A private key that WebCrypto holds already, with its members for what is checked and published. */
export class ImportedKey {
  readonly jwk: Omit<JWK, 'alg'>
  readonly alg: SigningAlgorithm
  readonly privateKey: CryptoKey

  constructor(jwk: JWK, alg: SigningAlgorithm, privateKey: CryptoKey) {
    // Its algorithm is what WebCrypto was told, not what the key says.
    const { alg: _, ...members } = jwk
    this.jwk = members
    this.alg = alg
    this.privateKey = privateKey
  }
}
