import type { SigningAlgorithm } from '../../../shared/signing-algorithm.ts'
import { ALGORITHM_OF_CURVE, RSA_ALGORITHMS } from '../key-rules.ts'
import { refuseKey } from '../refuse-key.ts'
import { type DerElement, OBJECT_IDENTIFIER, readDer } from './der-elements.ts'
import { ImportedKey } from './imported-key.ts'
import { MENDING } from './mending.ts'
import { webCryptoAlgorithm } from './webcrypto-algorithm.ts'

/** Object identifiers of key types and of curves (RFC 8017 App. A.1, RFC 5480 §2.1, RFC 8410 §3), as the hex of their DER. */
const RSA_KEY = '2a864886f70d010101'
const RSA_PSS_KEY = '2a864886f70d01010a'
const EC_KEY = '2a8648ce3d0201'
const ED25519_KEY = '2b6570'
const CURVE_BY_ID: Readonly<Record<string, string>> = {
  '2a8648ce3d030107': 'P-256',
  '2b81040022': 'P-384',
  '2b81040023': 'P-521',
}
const NAME_BY_ID: Readonly<Record<string, string>> = {
  '2a8648ce380401': 'of the type DSA',
  '2b656e': 'of the type X25519',
  '2b656f': 'of the type X448',
  '2b6571': 'of the type Ed448',
  '2b8104000a': 'on the curve secp256k1',
}

/**
 * Imports a private key from PKCS#8 (RFC 5208 §5), which contains its type. WebCrypto exports its members.
 *
 * @param name - the name of the key in messages
 * @param alg - the algorithm for an RSA key
 * @throws `invalid_key` naming the fault and the remedy
 */
export async function importPkcs8(
  der: Uint8Array<ArrayBuffer>,
  name: string,
  alg: SigningAlgorithm | undefined,
): Promise<ImportedKey> {
  const own = algorithmIn(der, name, alg)
  try {
    const privateKey = await crypto.subtle.importKey('pkcs8', der, webCryptoAlgorithm(own), true, ['sign'])
    return new ImportedKey(await crypto.subtle.exportKey('jwk', privateKey), privateKey, { alg: own, isBound: false })
  } catch (cause) {
    return refuseDamaged(name, cause)
  }
}

/** @throws `invalid_key` always */
export function refuseDamaged(name: string, cause?: unknown): never {
  return refuseKey(
    `${name} is damaged. Copy it again with all its lines, or export it again as PKCS#8. A new key: ${MENDING.newKey}`,
    cause,
  )
}

function algorithmIn(der: Uint8Array, name: string, alg: SigningAlgorithm | undefined): SigningAlgorithm {
  const [, algorithm] = elementsIn(readDer(der)?.[0])
  const [type, parameter] = elementsIn(algorithm)
  if (type?.tag !== OBJECT_IDENTIFIER) return refuseDamaged(name)
  const id = hexOf(type)
  if (id === RSA_KEY) return alg !== undefined && RSA_ALGORITHMS.includes(alg) ? alg : 'RS384'
  if (id === RSA_PSS_KEY) {
    refuseKey(
      `${name} is an RSA-PSS key, which cannot sign with RS384, as servers require. Make a new key: ${MENDING.newKey}`,
    )
  }
  if (id === ED25519_KEY) return 'EdDSA'
  const curveId = id === EC_KEY && parameter ? hexOf(parameter) : ''
  const own = ALGORITHM_OF_CURVE[CURVE_BY_ID[curveId] ?? '']
  if (own !== undefined) return own
  const kind = NAME_BY_ID[curveId] ?? NAME_BY_ID[id] ?? (id === EC_KEY ? 'on an unknown curve' : 'of an unknown type')
  return refuseKey(
    `${name} is ${kind}. Use an RSA key, or one on P-384, P-256, P-521 or Ed25519. A new key: ${MENDING.newKey}`,
  )
}

function elementsIn(element: DerElement | undefined): DerElement[] {
  return (element && readDer(element.content)) ?? []
}

function hexOf({ content }: DerElement): string {
  return Array.from(content, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
