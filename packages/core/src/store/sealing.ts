import { encode } from 'jose/base64url'
import { refuseOption } from '../options.ts'
import { parseFrozen } from '../shared/frozen-json.ts'

/** Encrypts and authenticates content that leaves the process, for one purpose. */
export interface Sealer {
  seal(content: object): Promise<string>
  /** The content; undefined for anything that was not sealed with one of the secrets for this purpose. */
  open(sealed: string): Promise<Record<string, unknown> | undefined>
}

const MIN_SECRET_LENGTH = 32
const MIN_DISTINCT_CHARACTERS = 8
const SECRET_REMEDY = 'Set it to at least 32 random characters, e.g. the output of: openssl rand -base64 32'

/**
 * Checks a secret, or a list of secrets. The first one seals, and all of them open, so that a secret can be rotated.
 *
 * @param option - its name, for messages
 * @throws `invalid_option` if one is missing, short, or has too few different characters
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

/** Seals with A256GCM. Each purpose has its own key, derived from the secret with HKDF-SHA256 (RFC 5869). */
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
          // Sealed with another secret, or not by us.
        }
      }
      return undefined
    },
  }
}

/** Base64url can write the same bytes in several ways, by unused bits of the last character. Only one way is accepted. */
function isCanonical(sealed: string): boolean {
  return sealed.split('.').every((part) => CANONICAL.test(part))
}

const CANONICAL = /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/

async function deriveKey(secret: string, purpose: string): Promise<Uint8Array> {
  const text = new TextEncoder()
  const material = await crypto.subtle.importKey('raw', text.encode(secret), 'HKDF', false, ['deriveBits'])
  const info = text.encode(`fhir-auth ${purpose}`)
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, material, 256))
}

/** Hashes an id, so that nobody can read session cookies in a shared store. */
export async function hashedName(id: string): Promise<string> {
  return encode(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(id))))
}
