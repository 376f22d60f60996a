import type { JWK } from 'jose'
import type { SigningAlgorithm } from '../../../shared/signing-algorithm.ts'
import type { LoadedKeys } from '../loaded-keys.ts'
import { refuseKey } from '../refuse-key.ts'
import { externalKey, isExternalKey } from './external-key.ts'
import { readCertificates } from './key-certificate.ts'
import { localKey } from './local-key.ts'
import { readKeySource } from './read-key-source.ts'
import { sortCandidates } from './sort-candidates.ts'

interface KeyWishes {
  readonly alg?: SigningAlgorithm | undefined
  readonly kid?: string | undefined
  readonly certificate?: string | undefined
}

/**
 * Reads the keys from a source, and checks each.
 *
 * @throws `invalid_key` naming the fault and the remedy
 */
export async function loadKeys(source: unknown, { alg, kid, certificate }: KeyWishes): Promise<LoadedKeys> {
  const { candidates, leftAside } = sortCandidates(await readKeySource(source, alg))
  if (kid !== undefined && candidates.length > 1) {
    refuseKey('loadKeySet(): kid is for a single key, but there are several. Write the kid of each into its JWK.')
  }
  if (certificate !== undefined && candidates.length > 1) {
    refuseKey('loadKeySet(): certificate is for a single key, but there are several. Write x5c into the JWK of each.')
  }
  const defaults = { alg, kid }
  const keys = candidates.map(async ({ value, name }) => {
    const key = await (isExternalKey(value) ? externalKey(value, name, defaults) : localKey(value, name, defaults))
    // What the app gives is checked now; what a JWK has, when a server wants it.
    if (certificate !== undefined) await readCertificates(certificate, key)
    const own = isExternalKey(value) ? (value.publicJwk as JWK).x5c : (value as JWK).x5c
    return Object.freeze({ ...key, certificate: certificate ?? own })
  })
  return { keys: await Promise.all(keys), leftAside }
}
