import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import { INTEGER, NULL, OBJECT_IDENTIFIER, OCTET_STRING, readDer, SEQUENCE, writeDer } from './der-elements.ts'
import type { ImportedKey } from './imported-key.ts'
import { importPkcs8, refuseDamaged } from './pkcs8-key.ts'
import { refuseKey } from './refuse-key.ts'

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g
/** What may stand beside a private key: `openssl ecparam` writes the first, a combined file has its certificate. */
const COMPANIONS = ['EC PARAMETERS', 'CERTIFICATE', 'PUBLIC KEY', 'RSA PUBLIC KEY']
const ZERO = Uint8Array.of(INTEGER, 1, 0)
const RSA_ENCRYPTION = Uint8Array.of(OBJECT_IDENTIFIER, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1)
const EC_PUBLIC_KEY = Uint8Array.of(OBJECT_IDENTIFIER, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1)
/** The context tag of a SEC1 key's curve (RFC 5915 §3). */
const CURVE = 0xa0

/**
 * The private keys in a PEM text: PKCS#8, PKCS#1 (RSA) and SEC1 (EC), one or several.
 *
 * @param alg - the algorithm for an RSA key
 * @throws `invalid_key` naming the fault and the remedy
 */
export async function readPrivatePem(text: string, alg: SigningAlgorithm | undefined): Promise<ImportedKey[]> {
  // An environment variable often holds a PEM on one line, its line ends written as "\n".
  const blocks = [...text.replaceAll('\\r', '').replaceAll('\\n', '\n').matchAll(BLOCK)]
  const secrets = blocks.filter(([, label = '']) => !COMPANIONS.includes(label))
  if (secrets.length === 0) {
    const label = blocks[0]?.[1] ?? /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1] ?? 'unreadable'
    return label.includes('PRIVATE KEY') ? refuseDamaged('The PEM private key') : refuseLabel(label)
  }
  return Promise.all(
    secrets.map(([, label = '', body = ''], index) => {
      const name = secrets.length === 1 ? 'The PEM private key' : `The PEM private key ${index + 1}`
      return importPkcs8(toPkcs8(label, body, name), name, alg)
    }),
  )
}

/** WebCrypto takes PKCS#8 only (RFC 5208 §5), which is a wrapping of the older forms. */
function toPkcs8(label: string, body: string, name: string): Uint8Array<ArrayBuffer> {
  if (label.startsWith('ENCRYPTED') || body.includes('Proc-Type: 4,ENCRYPTED')) {
    refuseKey(
      `${name} is encrypted ("${label}"), and there is no place for its passphrase. Decrypt it: openssl pkcs8 -topk8 -nocrypt -in key.pem`,
    )
  }
  const bytes = fromBase64(body) ?? refuseDamaged(name)
  if (label === 'PRIVATE KEY') return bytes
  if (label === 'RSA PRIVATE KEY') return wrap(RSA_ENCRYPTION, Uint8Array.of(NULL, 0), bytes)
  if (label !== 'EC PRIVATE KEY') return refuseLabel(label)
  const members = readDer(readDer(bytes)?.[0]?.content ?? new Uint8Array()) ?? []
  const curve = members.find(({ tag }) => tag === CURVE)?.content
  if (!curve) {
    if (members.length === 0) refuseDamaged(name)
    refuseKey(`${name} does not name its curve. Convert it: openssl pkcs8 -topk8 -nocrypt -in key.pem`)
  }
  return wrap(EC_PUBLIC_KEY, curve, bytes)
}

function wrap(algorithm: Uint8Array, parameters: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer> {
  return writeDer(SEQUENCE, ZERO, writeDer(SEQUENCE, algorithm, parameters), writeDer(OCTET_STRING, key))
}

function refuseLabel(label: string): never {
  const remedy = label.includes('PRIVATE KEY')
    ? 'Convert it: openssl pkcs8 -topk8 -nocrypt -in key.pem'
    : 'Pass the private key; the public part is derived.'
  return refuseKey(
    `The PEM block is "${label}", but "PRIVATE KEY", "RSA PRIVATE KEY" or "EC PRIVATE KEY" is needed. ${remedy}`,
  )
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text.replace(/\s+/g, '')), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
