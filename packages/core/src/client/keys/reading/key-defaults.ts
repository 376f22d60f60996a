import { shownText } from '../../../shared/shown-text.ts'
import type { SigningAlgorithm } from '../../../shared/signing-algorithm.ts'
import { refuseKey } from '../refuse-key.ts'

/** What the app sets for a key that does not have it. */
export interface KeyDefaults {
  readonly alg?: SigningAlgorithm | undefined
  readonly kid?: string | undefined
}

/**
 * The `kid` of the key, or the one that the app has set.
 *
 * @throws `invalid_key` if there are both and they differ
 */
export function kidOf(own: string | undefined, name: string, given: string | undefined): string | undefined {
  if (own === undefined || given === undefined || own === given) return own ?? given
  return refuseKey(
    `${name} has the kid "${shownText(own)}", but loadKeySet() was given kid "${shownText(given)}". Remove the wrong one.`,
  )
}
