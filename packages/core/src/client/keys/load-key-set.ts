import { type OptionRules, oneOf, optionalText, positive, readOptions } from '../../options.ts'
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import { KeyReloader } from './key-reloader.ts'
import { KeySet } from './key-set.ts'

export interface LoadKeyOptions {
  /** The algorithm for keys that do not name one. Default: RS384 for RSA, and the curve's own for EC. */
  alg?: SigningAlgorithm | undefined
  /** The `kid` for a single key without one, if the vendor has assigned it. Default: its RFC 7638 thumbprint. */
  kid?: string | undefined
  /**
   * The certificate of a single key as PEM text, with those above it behind it, for a dialect with `assertion.header`.
   * Default: `x5c` of its JWK.
   */
  certificate?: string | undefined
  /** If the source is a function: how often it is called again, in seconds. Default 60. */
  reloadSeconds?: number | undefined
}

const OPTIONS = {
  alg: oneOf(...SIGNING_ALGORITHMS),
  kid: optionalText,
  certificate: optionalText,
  reloadSeconds: positive(60),
} satisfies OptionRules<LoadKeyOptions>

/**
 * Loads signing keys and checks each at once: type, size, curve, algorithm, `kid`, times.
 *
 * @param source - a private JWK, a JWK Set, or the JSON text of either; PEM text (PKCS#8, PKCS#1, SEC1), with one or
 *   several keys, also on one line with `\n`; either of these in base64, or as bytes; DER bytes; a `KeyObject`, a
 *   `CryptoKey`, or a pair of them; an {@link ExternalKey}, also inside a JWK Set; or a function that returns any of them,
 *   which is called again while the app runs. `undefined` (an environment variable that is not set) is refused.
 * @throws `invalid_option`; `invalid_key` naming the fault and the remedy
 */
export async function loadKeySet(source: unknown, options: LoadKeyOptions = {}): Promise<KeySet> {
  const given = readOptions(options, OPTIONS, 'loadKeySet()')
  const read = async () => {
    // Loaded with the first keys: an app with a client secret does without.
    const { loadKeys } = await import('./reading/load-keys.ts')
    return loadKeys(typeof source === 'function' ? await source() : source, given)
  }
  const readAt = Date.now()
  const { keys, leftAside } = await read()
  const reloader = typeof source === 'function' ? new KeyReloader(read, given.reloadSeconds, readAt) : undefined
  return new KeySet(keys, { leftAside, reloader })
}
