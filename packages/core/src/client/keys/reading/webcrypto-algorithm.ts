import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../../../shared/signing-algorithm.ts'

/** An algorithm in the form that WebCrypto needs for an import. */
export interface ImportAlgorithm {
  readonly name: string
  readonly hash?: string
  readonly namedCurve?: string
}

const CURVE: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

/** @see RFC 7518 §3.1, RFC 8037 §3.1 */
export function webCryptoAlgorithm(alg: SigningAlgorithm): ImportAlgorithm {
  if (alg === 'EdDSA') return { name: 'Ed25519' }
  const namedCurve = CURVE[alg]
  if (namedCurve !== undefined) return { name: 'ECDSA', namedCurve }
  return { name: alg.startsWith('PS') ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: `SHA-${alg.slice(2)}` }
}

/** The algorithm that a `CryptoKey` signs with; undefined if it is not one of ours. */
export function joseAlgorithm(algorithm: object): SigningAlgorithm | undefined {
  const { name, hash, namedCurve } = algorithm as { name?: string; hash?: { name?: string }; namedCurve?: string }
  return SIGNING_ALGORITHMS.find((alg) => {
    const known = webCryptoAlgorithm(alg)
    return known.name === name && known.hash === hash?.name && known.namedCurve === namedCurve
  })
}
