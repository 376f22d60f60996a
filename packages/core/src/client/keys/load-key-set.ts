import { type OptionRules, type OptionValues, oneOf, optionalText, positive, readOptions } from '../../options.ts'
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import { externalKey, isExternalKey } from './external-key.ts'
import { KeyReloader } from './key-reloader.ts'
import { KeySet } from './key-set.ts'
import { localKey } from './local-key.ts'
import { readPrivatePem } from './private-pem.ts'
import { refuseKey } from './refuse-key.ts'
import type { SigningKey } from './signing-key.ts'

export interface LoadKeyOptions {
  /** Algorithm for keys that do not name one. Default: RS384 for RSA, and the curve's own for EC. */
  alg?: SigningAlgorithm | undefined
  /** The `kid` of a single key that has none, where the vendor gave it. Default: its RFC 7638 thumbprint. */
  kid?: string | undefined
  /** How often a function is asked again, in seconds. Default 60. */
  reloadSeconds?: number | undefined
}

const OPTIONS = {
  alg: oneOf(...SIGNING_ALGORITHMS),
  kid: optionalText,
  reloadSeconds: positive(60),
} satisfies OptionRules<LoadKeyOptions>

/**
 * Loads signing keys and checks each at once: type, size, curve, algorithm, `kid`, times.
 *
 * @param source - a private JWK, a JWK Set, or the JSON text of either; PEM text (PKCS#8, PKCS#1, SEC1), with one or
 *   several keys, also on one line with `\n`; either of these in base64; an {@link ExternalKey}, also inside a JWK Set; or
 *   a function that gives any of them, which is asked again while the app runs. `undefined` (an environment variable
 *   that is not set) is refused with a message that says so.
 * @throws `invalid_option`; `invalid_key` naming the fault and the remedy
 */
export async function loadKeySet(source: unknown, options: LoadKeyOptions = {}): Promise<KeySet> {
  const given = readOptions(options, OPTIONS, 'loadKeySet()')
  if (typeof source !== 'function') return new KeySet(await loadKeys(source, given))
  const read = async () => loadKeys(await source(), given)
  const readAt = Date.now()
  return new KeySet(await read(), new KeyReloader(read, given.reloadSeconds, readAt))
}

async function loadKeys(source: unknown, { alg, kid }: OptionValues<typeof OPTIONS>): Promise<SigningKey[]> {
  const candidates = await readSource(source, alg)
  if (kid !== undefined && candidates.length > 1) {
    refuseKey('loadKeySet(): kid is for a single key, but there are several. Write the kid of each into its JWK.')
  }
  return Promise.all(
    candidates.map((candidate, index) => {
      const name = `Key ${index + 1}`
      const defaults = { alg, kid }
      return isExternalKey(candidate) ? externalKey(candidate, name, defaults) : localKey(candidate, name, defaults)
    }),
  )
}

async function readSource(source: unknown, alg: SigningAlgorithm | undefined): Promise<unknown[]> {
  if (source === undefined || source === null || (typeof source === 'string' && source.trim() === '')) {
    return refuseKey(
      'loadKeySet() got no key. Set the environment variable that you pass to it to a private JWK, JWK Set or PEM.',
    )
  }
  if (typeof source === 'string') {
    const text = unwrapBase64(source.trim())
    return text.includes('-----BEGIN') && !text.startsWith('{')
      ? readPrivatePem(text, alg)
      : readSource(parseJson(text), alg)
  }
  if (Array.isArray(source)) return refuseKey('The keys are a bare list. Write a JWK Set: { "keys": [ … ] }.')
  if (typeof source === 'object' && 'keys' in source) {
    return Array.isArray(source.keys) ? source.keys : refuseKey('The "keys" member of the JWK Set is not an array.')
  }
  return [source]
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return refuseKey(
      'The key is neither JSON nor PEM. Pass the text of a private JWK, of a JWK Set, or a "-----BEGIN PRIVATE KEY-----" block. A file name is not read: pass the file\'s content.',
    )
  }
}

/** Environment variables often hold a text with line ends in base64. */
function unwrapBase64(text: string): string {
  if (!/^[A-Za-z0-9+/\s]{16,}={0,2}$/.test(text)) return text
  try {
    const decoded = atob(text.replace(/\s+/g, '')).trim()
    return decoded.startsWith('{') || decoded.startsWith('-----BEGIN') ? decoded : text
  } catch {
    return text
  }
}
