import type { CryptoKey, JWK } from 'jose'
import type { SigningAlgorithm } from '../../../shared/signing-algorithm.ts'
import { refuseKey } from '../refuse-key.ts'
import { fromBase64 } from './base64-text.ts'
import { ImportedKey } from './imported-key.ts'
import { type DerKey, derFormOf, importDer } from './private-der.ts'
import { looksLikePem, readPrivatePem } from './private-pem.ts'
import { joseAlgorithm } from './webcrypto-algorithm.ts'

/** A `KeyObject` of Node. It is recognised by its shape, because core does not import Node modules. */
interface NodeKey {
  readonly type: string
  readonly asymmetricKeyType?: string
  export(options: { format: 'jwk' }): unknown
}

/**
 * Reads the keys from any supported source, without checks: JWKs, external keys, and keys that WebCrypto has imported.
 *
 * @param alg - the algorithm for an RSA key in PEM or DER
 * @throws `invalid_key` naming the fault and the remedy
 */
export async function readKeySource(source: unknown, alg: SigningAlgorithm | undefined): Promise<readonly unknown[]> {
  if (source === undefined || source === null) return refuseMissing()
  if (typeof source === 'string') return readText(source, alg)
  if (source instanceof ArrayBuffer) return readBytes(new Uint8Array(source), alg)
  // A copy. Not `instanceof`, because some test runners have bytes of another realm.
  if (ArrayBuffer.isView(source)) {
    const { buffer, byteOffset, byteLength } = source
    return readBytes(new Uint8Array(buffer, byteOffset, byteLength).slice(), alg)
  }
  if (Array.isArray(source)) return refuseKey('The keys are a bare list. Write a JWK Set: { "keys": [ … ] }.')
  if (typeof source !== 'object') return [source]
  if (isNodeKey(source)) return [jwkOfNodeKey(source)]
  if (isCryptoKey(source)) return [await importedOf(source, source)]
  if ('privateKey' in source) return readPair(source)
  if (!('keys' in source)) return [source]
  return Array.isArray(source.keys) ? source.keys : refuseKey('The "keys" member of the JWK Set is not an array.')
}

async function readText(text: string, alg: SigningAlgorithm | undefined): Promise<readonly unknown[]> {
  const plain = text.replace(/^\uFEFF/, '').trim()
  if (plain === '') return refuseMissing()
  // PEM and JSON first, because they may contain base64.
  if (/^["{[]/.test(plain) && !looksLikePem(plain)) return readKeySource(parseJson(plain), alg)
  if (looksLikePem(plain) && !plain.startsWith('{')) return readPrivatePem(plain, alg)
  const bytes = /^[\w+/\s-]{16,}={0,2}$/.test(plain) ? fromBase64(plain) : undefined
  const content = bytes && contentOf(bytes)
  if (typeof content === 'string') {
    const inner = content.trim()
    if (inner.startsWith('{') || looksLikePem(inner)) return readText(inner, alg)
  } else if (content !== undefined) return [await importDer(content, 'The key', alg)]
  return readKeySource(parseJson(plain), alg)
}

async function readBytes(
  bytes: Uint8Array<ArrayBuffer>,
  alg: SigningAlgorithm | undefined,
): Promise<readonly unknown[]> {
  const content = contentOf(bytes)
  return typeof content === 'string' ? readText(content, alg) : [await importDer(content, 'The key', alg)]
}

/** A key in DER, or else text. */
function contentOf(der: Uint8Array<ArrayBuffer>): DerKey | string {
  const form = derFormOf(der)
  return form === undefined ? textOf(der) : { der, form }
}

/** Some editors and shells on Windows write UTF-16, with a byte order mark. */
function textOf(bytes: Uint8Array): string {
  const mark = (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)
  const encoding = mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8'
  return new TextDecoder(encoding).decode(bytes)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (/^\s*[{[]/.test(text)) {
      refuseKey('The key begins as JSON, but is cut off or damaged. Copy the whole text again, with all its quotes.')
    }
    return refuseKey(
      'The key is neither JSON nor PEM. Pass the text of a private JWK, of a JWK Set, or a "-----BEGIN PRIVATE KEY-----" block. A file name is not read: pass the file\'s content.',
    )
  }
}

function isNodeKey(value: object): value is NodeKey {
  return 'export' in value && typeof value.export === 'function' && 'type' in value
}

function jwkOfNodeKey(key: NodeKey): unknown {
  if (key.type !== 'private') refuseKey(`The KeyObject is of the type "${key.type}". Pass the private key.`)
  try {
    return key.export({ format: 'jwk' })
  } catch (cause) {
    return refuseKey(`The KeyObject is of the type ${key.asymmetricKeyType}. Use an RSA or EC key.`, cause)
  }
}

function isCryptoKey(value: unknown): value is CryptoKey {
  return Object.prototype.toString.call(value) === '[object CryptoKey]'
}

/** A key pair, as WebCrypto's `generateKey()` and Node's `generateKeyPair()` return it. */
async function readPair(pair: { privateKey?: unknown; publicKey?: unknown }): Promise<readonly unknown[]> {
  const { privateKey, publicKey } = pair
  if (isCryptoKey(privateKey)) return [await importedOf(privateKey, isCryptoKey(publicKey) ? publicKey : privateKey)]
  return readKeySource(privateKey, undefined)
}

/** @param shown - the key whose members can be exported: the public one, if the private one is not extractable */
async function importedOf(privateKey: CryptoKey, shown: CryptoKey): Promise<ImportedKey> {
  if (privateKey.type !== 'private') refuseKey(`The CryptoKey is ${privateKey.type}. Pass the private key.`)
  if (!privateKey.usages.includes('sign')) refuseKey('The CryptoKey may not sign. Import it with the usage "sign".')
  const alg = joseAlgorithm(privateKey.algorithm)
  if (alg === undefined) refuseKey('The CryptoKey has an algorithm that no server accepts. Use ECDSA on P-384, or RSA.')
  const readable = privateKey.extractable ? privateKey : shown
  if (!readable.extractable) {
    refuseKey(
      'The CryptoKey is not extractable, so its public part is not known. Pass both: { privateKey, publicKey }.',
    )
  }
  return new ImportedKey((await crypto.subtle.exportKey('jwk', readable)) as JWK, privateKey, { alg, isBound: true })
}

function refuseMissing(): never {
  return refuseKey(
    'loadKeySet() got no key. Set the environment variable that you pass to it to a private JWK, JWK Set or PEM.',
  )
}
