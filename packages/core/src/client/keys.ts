import type { JWK } from 'jose'
import { FhirAuthError } from '../errors.ts'
import { shownText } from '../http.ts'
import { checkPrivateJwk, type PrivateJwk, type SigningAlgorithm } from './key-checks.ts'

/** Public members only: what stands in a hosted JWKS. */
export interface PublicJwk {
  kty: 'RSA' | 'EC' | 'OKP'
  kid: string
  alg: SigningAlgorithm
  use: 'sig'
  n?: string
  e?: string
  crv?: string
  x?: string
  y?: string
}

/** One key that signs assertions. */
export interface SigningKey {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly publicJwk: PublicJwk
  /** A compact JWS over the header and claims. */
  signJwt(header: Record<string, unknown>, claims: Record<string, unknown>): Promise<string>
}

export interface LoadKeyOptions {
  /** Algorithm for keys that do not name one. Default: RS384 for RSA, and the curve's own for EC. */
  alg?: SigningAlgorithm | undefined
}

/** The app's signing keys: private parts stay inside, `publicJwks()` is what the world may see. */
export class KeySet {
  readonly #keys: readonly SigningKey[]

  /** @throws `invalid_key` when there is no key, or two share a `kid` */
  constructor(keys: readonly SigningKey[]) {
    if (keys.length === 0) throw new FhirAuthError('invalid_key', 'The key set is empty. Add at least one private key.')
    const kids = new Set<string>()
    for (const { kid } of keys) {
      if (kids.has(kid)) {
        throw new FhirAuthError('invalid_key', `Two keys have the kid "${kid}". Give each key a kid of its own.`)
      }
      kids.add(kid)
    }
    this.#keys = Object.freeze([...keys])
  }

  /**
   * The key to sign with: the first that fits.
   *
   * @param accepted - algorithms the server accepts (`token_endpoint_auth_signing_alg_values_supported`)
   * @throws `invalid_key` when none fits
   */
  signingKey(accepted?: readonly string[]): SigningKey {
    const key = accepted?.length ? this.#keys.find(({ alg }) => accepted.includes(alg)) : this.#keys[0]
    if (key) return key
    const own = this.#keys.map(({ alg }) => alg).join(', ')
    throw new FhirAuthError(
      'invalid_key',
      `The server accepts assertions signed with ${shownText(accepted?.join(', ') ?? '')}, but the key set has ${own}. Add a key of an accepted algorithm and register it.`,
    )
  }

  /** The JWK Set to host at the registered URL (RFC 7517 §5). */
  publicJwks(): { keys: PublicJwk[] } {
    return { keys: this.#keys.map(({ publicJwk }) => ({ ...publicJwk })) }
  }
}

/**
 * Loads private signing keys and checks each at once: type, size, curve, algorithm, `kid`.
 *
 * @param source - a private JWK, a JWK Set, or the JSON text of either; PEM text (PKCS#8), also on one line with `\n`.
 *   `undefined` (an environment variable that is not set) is refused with a message that says so.
 * @throws `invalid_key` naming the fault and the remedy
 */
export async function loadKeySet(source: unknown, options: LoadKeyOptions = {}): Promise<KeySet> {
  const jwks = await readKeys(source, options)
  const keys = await Promise.all(jwks.map((jwk, index) => localKey(jwk, index, options)))
  return new KeySet(keys)
}

async function readKeys(source: unknown, options: LoadKeyOptions): Promise<unknown[]> {
  if (source === undefined || source === null || (typeof source === 'string' && source.trim() === '')) {
    throw new FhirAuthError(
      'invalid_key',
      'loadKeySet() got no key. Set the environment variable that you pass to it to a private JWK, JWK Set or PKCS#8 PEM.',
    )
  }
  if (typeof source === 'string') {
    const text = source.trim()
    if (!text.startsWith('-----BEGIN')) return readKeys(parseJson(text), options)
    // An environment variable often holds a PEM on one line, its line ends written as "\n".
    return [await readPem(text.replaceAll('\\n', '\n'), options)]
  }
  if (Array.isArray(source)) {
    throw new FhirAuthError('invalid_key', 'The keys are a bare list. Write a JWK Set: { "keys": [ … ] }.')
  }
  if (typeof source === 'object' && 'keys' in source) {
    if (Array.isArray(source.keys)) return source.keys
    throw new FhirAuthError('invalid_key', 'The "keys" member of the JWK Set is not an array.')
  }
  return [source]
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new FhirAuthError(
      'invalid_key',
      'The key is neither JSON nor PEM. Pass the text of a private JWK, of a JWK Set, or a "-----BEGIN PRIVATE KEY-----" block. A file name is not read: pass the file\'s content.',
    )
  }
}

async function readPem(pem: string, { alg }: LoadKeyOptions): Promise<unknown> {
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1] ?? 'unreadable'
  if (label !== 'PRIVATE KEY') {
    const remedy = label.includes('PRIVATE KEY')
      ? 'Convert it: openssl pkcs8 -topk8 -nocrypt -in key.pem'
      : 'Pass the private key; the public part is derived.'
    throw new FhirAuthError(
      'invalid_key',
      `The PEM block is "${label}", but "PRIVATE KEY" (PKCS#8, unencrypted) is needed. ${remedy}`,
    )
  }
  const { exportJWK } = await import('jose/key/export')
  const { importPKCS8 } = await import('jose/key/import')
  // PKCS#8 names the key type but not the algorithm, which WebCrypto wants to know first: try each family.
  const candidates = alg ? [alg] : ['RS384', 'ES384', 'ES256', 'ES512', 'EdDSA']
  for (const candidate of candidates) {
    try {
      return { ...(await exportJWK(await importPKCS8(pem, candidate, { extractable: true }))), alg: candidate }
    } catch {
      // Not of this family.
    }
  }
  throw new FhirAuthError(
    'invalid_key',
    `The PEM private key is damaged, or does not fit ${alg ?? 'RSA, P-256, P-384, P-521 or Ed25519'}. Export it again as PKCS#8.`,
  )
}

async function localKey(candidate: unknown, index: number, options: LoadKeyOptions): Promise<SigningKey> {
  const { importJWK } = await import('jose/key/import')
  const { calculateJwkThumbprint } = await import('jose/jwk/thumbprint')
  const { SignJWT } = await import('jose/jwt/sign')
  const { jwtVerify } = await import('jose/jwt/verify')
  const jwk: PrivateJwk = checkPrivateJwk(candidate, `Key ${index + 1}`, options.alg)
  const { kty, alg, n, e, crv, x, y } = jwk
  const publicMembers = kty === 'RSA' ? { n, e } : kty === 'EC' ? { crv, x, y } : { crv, x }
  let privateKey: Awaited<ReturnType<typeof importJWK>>
  try {
    privateKey = await importJWK({ ...jwk }, alg)
    // A trial now, rather than a server's refusal later: an import does not show that the members belong together.
    const trial = await new SignJWT({}).setProtectedHeader({ alg }).sign(privateKey)
    await jwtVerify(trial, await importJWK({ kty, ...publicMembers } as JWK, alg))
  } catch (cause) {
    throw new FhirAuthError(
      'invalid_key',
      `Key ${index + 1} (${kty}, ${alg}) cannot be used: its members do not form a valid key. Export it again from where it was made.`,
      { cause },
    )
  }
  const kid = jwk.kid ?? (await calculateJwkThumbprint({ ...jwk }))
  const publicJwk = Object.freeze({ kty, kid, alg, use: 'sig', ...publicMembers }) as PublicJwk
  return Object.freeze({
    kid,
    alg,
    publicJwk,
    signJwt(header: Record<string, unknown>, claims: Record<string, unknown>) {
      return new SignJWT(claims).setProtectedHeader({ ...header, alg }).sign(privateKey)
    },
  })
}
