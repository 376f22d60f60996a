import { shownText } from '../../shared/shown-text.ts'
import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import { refuseKey } from './refuse-key.ts'

/** What the app says of a key that does not say it itself. */
export interface KeyDefaults {
  readonly alg?: SigningAlgorithm | undefined
  readonly kid?: string | undefined
}

/**
 * The `kid` of a key that has one, or the one that the app has from the vendor.
 *
 * @throws `invalid_key` where both are there and differ
 */
export function kidOf(own: string | undefined, name: string, given: string | undefined): string | undefined {
  if (own === undefined || given === undefined || own === given) return own ?? given
  return refuseKey(
    `${name} has the kid "${shownText(own)}", but loadKeySet() was given kid "${shownText(given)}". Remove the wrong one.`,
  )
}
