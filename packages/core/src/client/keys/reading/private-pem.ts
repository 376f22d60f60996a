import type { SigningAlgorithm } from '../../../shared/signing-algorithm.ts'
import { refuseKey } from '../refuse-key.ts'
import { fromBase64 } from './base64-text.ts'
import type { ImportedKey } from './imported-key.ts'
import { MENDING } from './mending.ts'
import { refuseDamaged } from './pkcs8-key.ts'
import { type DerForm, type DerKey, derFormOf, importDer } from './private-der.ts'

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g
/** Blocks that may be beside a private key: `openssl ecparam` writes the first, a combined file has a certificate. */
const COMPANIONS = ['EC PARAMETERS', 'CERTIFICATE', 'PUBLIC KEY', 'RSA PUBLIC KEY']
const FORM_OF_LABEL: Readonly<Record<string, DerForm>> = {
  'PRIVATE KEY': 'pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
}

/** Whether a text is meant as PEM, even if its dashes are wrong. */
export function looksLikePem(text: string): boolean {
  return text.includes('-----BEGIN') || /BEGIN [A-Z ]*PRIVATE KEY/.test(text)
}

/**
 * The private keys in a PEM text: PKCS#8, PKCS#1 (RSA) and SEC1 (EC), one or several.
 *
 * @param alg - the algorithm for an RSA key
 * @throws `invalid_key` naming the fault and the remedy
 */
export async function readPrivatePem(text: string, alg: SigningAlgorithm | undefined): Promise<ImportedKey[]> {
  checkLines(text)
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
      return importDer(keyIn(label, body, name), name, alg)
    }),
  )
}

/** Finds faults of copying. They are checked first, because they cause all other faults. */
function checkLines(text: string): void {
  if (/-----BEGIN [A-Z0-9 ]+-----\/n/.test(text)) {
    refuseKey(`The PEM has "/n" where "\\n" is meant. Make the value again from the file: ${MENDING.oneLine}`)
  }
  for (const [, before = '', after = ''] of text.matchAll(/(-*)(?:BEGIN|END) [A-Z ]*PRIVATE KEY(-*)/g)) {
    if (before.length >= 5 && after.length >= 5) continue
    refuseKey(
      `A BEGIN or END line of the PEM has too few dashes: there must be five before and five after. Repair it: ${MENDING.mendDashes}`,
    )
  }
}

function keyIn(label: string, body: string, name: string): DerKey {
  if (label.startsWith('ENCRYPTED') || body.includes('Proc-Type: 4,ENCRYPTED')) {
    refuseKey(`${name} is encrypted ("${label}"). Decrypt it: ${MENDING.decryptPem}`)
  }
  const form = FORM_OF_LABEL[label]
  const der = fromBase64(body)
  if (label === 'OPENSSH PRIVATE KEY') return refuseOpenSsh(der, name)
  if (form === undefined) return refuseLabel(label)
  return der !== undefined && derFormOf(der) === form ? { der, form } : refuseDamaged(name)
}

function refuseOpenSsh(bytes: Uint8Array | undefined, name: string): never {
  // The type is in the bytes as text. ssh-keygen cannot convert an Ed25519 key.
  if (new TextDecoder().decode(bytes).includes('ssh-ed25519')) {
    refuseKey(`${name} is an Ed25519 key of OpenSSH, which has no other form. Make a new key: ${MENDING.newKey}`)
  }
  return refuseKey(`${name} is in the form of OpenSSH. Convert a copy: ${MENDING.fromOpenSsh}`)
}

function refuseLabel(label: string): never {
  const remedy = label.includes('PRIVATE KEY')
    ? `Make a key of a type that servers accept: ${MENDING.newKey}`
    : 'Pass the private key; the public part is derived.'
  return refuseKey(
    `The PEM block is "${label}", but "PRIVATE KEY", "RSA PRIVATE KEY" or "EC PRIVATE KEY" is needed. ${remedy}`,
  )
}
