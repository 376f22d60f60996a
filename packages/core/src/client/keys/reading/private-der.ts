import type { SigningAlgorithm } from '../../../shared/signing-algorithm.ts'
import { refuseKey } from '../refuse-key.ts'
import {
  BIT_STRING,
  INTEGER,
  NULL,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  readDer,
  SEQUENCE,
  writeDer,
} from './der-elements.ts'
import type { ImportedKey } from './imported-key.ts'
import { MENDING } from './mending.ts'
import { importPkcs8 } from './pkcs8-key.ts'

/** The forms of keys in DER. The tags of the elements tell them apart. */
export type DerForm = 'pkcs8' | 'pkcs1' | 'sec1' | 'encrypted' | 'pkcs12' | 'public' | 'certificate'

const ZERO = Uint8Array.of(INTEGER, 1, 0)
const RSA_ENCRYPTION = Uint8Array.of(OBJECT_IDENTIFIER, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1)
const EC_PUBLIC_KEY = Uint8Array.of(OBJECT_IDENTIFIER, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1)
/** The context tag of a SEC1 key's curve (RFC 5915 §3). */
const CURVE = 0xa0

/** Undefined if the bytes are not a key in DER. */
export function derFormOf(bytes: Uint8Array): DerForm | undefined {
  const [whole, ...rest] = readDer(bytes) ?? []
  if (whole?.tag !== SEQUENCE || rest.length > 0) return undefined
  const [first, second, third] = readDer(whole.content) ?? []
  const tags = [first?.tag, second?.tag, third?.tag]
  const starts = (...expected: number[]) => expected.every((tag, index) => tags[index] === tag)
  if (starts(INTEGER, SEQUENCE, OCTET_STRING)) return 'pkcs8'
  if (starts(INTEGER, INTEGER, INTEGER)) return 'pkcs1'
  if (starts(INTEGER, OCTET_STRING)) return 'sec1'
  if (starts(INTEGER, SEQUENCE) && first?.content[0] === 3) return 'pkcs12'
  if (starts(SEQUENCE, OCTET_STRING)) return 'encrypted'
  if (starts(SEQUENCE, BIT_STRING)) return 'public'
  return starts(SEQUENCE, SEQUENCE, BIT_STRING) ? 'certificate' : undefined
}

/** A key in DER bytes, and what it is. */
export interface DerKey {
  readonly der: Uint8Array<ArrayBuffer>
  readonly form: DerForm
}

/**
 * The private key in DER bytes.
 *
 * @param name - the name of the key in messages
 * @param alg - the algorithm for an RSA key
 * @throws `invalid_key` naming the fault and the remedy
 */
export async function importDer(
  { der, form }: DerKey,
  name: string,
  alg: SigningAlgorithm | undefined,
): Promise<ImportedKey> {
  if (form === 'pkcs8') return importPkcs8(der, name, alg)
  if (form === 'pkcs1') return importPkcs8(pkcs8Of(RSA_ENCRYPTION, Uint8Array.of(NULL, 0), der), name, alg)
  if (form === 'sec1') return importPkcs8(pkcs8Of(EC_PUBLIC_KEY, curveIn(der, name), der), name, alg)
  if (form === 'encrypted') return refuseKey(`${name} is encrypted (DER). Decrypt it: ${MENDING.decryptDer}`)
  if (form === 'pkcs12') return refuseKey(`${name} is a PKCS#12 file. Take the key out of it: ${MENDING.fromPkcs12}`)
  const what = form === 'public' ? 'a public key' : 'a certificate'
  return refuseKey(`${name} is ${what}. Pass the private key; the public part is derived.`)
}

/** Wraps an older form in PKCS#8 (RFC 5208 §5), because WebCrypto accepts nothing else. */
function pkcs8Of(algorithm: Uint8Array, parameters: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer> {
  return writeDer(SEQUENCE, ZERO, writeDer(SEQUENCE, algorithm, parameters), writeDer(OCTET_STRING, key))
}

function curveIn(sec1: Uint8Array, name: string): Uint8Array {
  const members = readDer(readDer(sec1)?.[0]?.content ?? new Uint8Array()) ?? []
  const curve = members.find(({ tag }) => tag === CURVE)?.content
  return curve ?? refuseKey(`${name} does not name its curve. Export it again with its curve, as PKCS#8.`)
}
