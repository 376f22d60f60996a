import { decode, encode } from 'jose/base64url'
import { refuseOption } from '../options.ts'
import { parseFrozen } from '../shared/frozen-json.ts'

/** Encrypts and authenticates what leaves the process, for one purpose. */
export interface Sealer {
  seal(content: object): Promise<string>
  /** The content, or undefined for anything that was not sealed here for this purpose and binding. */
  open(sealed: string): Promise<Record<string, unknown> | undefined>
}

const MIN_SECRET_LENGTH = 32
const MIN_DISTINCT_CHARACTERS = 8
const SECRET_REMEDY = 'Set it to at least 32 random characters, e.g. the output of: openssl rand -base64 32'

/**
 * Checks a secret, or a list of them: the first seals, all open, so that a secret can be rotated.
 *
 * @param option - how messages call it
 * @throws `invalid_option` when one is missing, short or monotonous
 */
export function checkSecrets(secret: unknown, option: string): readonly string[] {
  const secrets: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  if (secrets.length === 0) refuseOption(`${option} is an empty list. ${SECRET_REMEDY}`)
  for (const candidate of secrets) {
    if (typeof candidate !== 'string') refuseOption(`${option} is not set. ${SECRET_REMEDY}`)
    if (candidate.length < MIN_SECRET_LENGTH || new Set(candidate).size < MIN_DISTINCT_CHARACTERS) {
      refuseOption(`${option} is too weak. ${SECRET_REMEDY}`)
    }
  }
  return secrets as readonly string[] // each was checked
}

/** A256GCM with a key of its own for each purpose, derived from the secret by HKDF-SHA256 (RFC 5869). */
export function createSealer(secrets: readonly string[], purpose: string): Sealer {
  let derived: Promise<Uint8Array[]> | undefined
  const keys = () => {
    derived ??= Promise.all(secrets.map((secret) => deriveKey(secret, purpose)))
    return derived
  }
  return {
    async seal(content) {
      const [key] = await keys()
      if (!key) return refuseOption(`The secret is not set. ${SECRET_REMEDY}`)
      const { CompactEncrypt } = await import('jose/jwe/compact/encrypt')
      const plaintext = new TextEncoder().encode(JSON.stringify(content))
      return new CompactEncrypt(plaintext).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(key)
    },
    async open(sealed) {
      if (!isCanonical(sealed)) return undefined
      const { compactDecrypt } = await import('jose/jwe/compact/decrypt')
      for (const key of await keys()) {
        try {
          const { plaintext } = await compactDecrypt(sealed, key, {
            keyManagementAlgorithms: ['dir'],
            contentEncryptionAlgorithms: ['A256GCM'],
          })
          return parseFrozen(new TextDecoder().decode(plaintext)) as Record<string, unknown>
        } catch {
          // Of an older secret, or not ours at all.
        }
      }
      return undefined
    },
  }
}

/** Base64url has several spellings of the same bytes, in the bits that the last character does not use. One is enough. */
function isCanonical(sealed: string): boolean {
  try {
    return sealed.split('.').every((part) => encode(decode(part)) === part)
  } catch {
    return false
  }
}

async function deriveKey(secret: string, purpose: string): Promise<Uint8Array> {
  const text = new TextEncoder()
  const material = await crypto.subtle.importKey('raw', text.encode(secret), 'HKDF', false, ['deriveBits'])
  const info = text.encode(`fhir-auth ${purpose}`)
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, material, 256))
}

/** A one-way name for an id, so that whoever reads a shared store learns no session cookie. */
export async function hashedName(id: string): Promise<string> {
  return encode(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(id))))
}
