import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import { PUBLIC_MEMBERS } from './key-rules.ts'
import type { CheckedJwk } from './reading/check-jwk.ts'
import { refuseKey } from './refuse-key.ts'

/** A key in the JWKS: only public members. */
export interface PublicJwk {
  kty: 'RSA' | 'EC' | 'OKP'
  kid: string
  /** Missing if the key signs with several. */
  alg?: SigningAlgorithm
  use: 'sig'
  n?: string
  e?: string
  crv?: string
  x?: string
  y?: string
}

/**
 * Copies only known public members, so that no other member of the JWK is ever published.
 *
 * @param name - the name of the key in messages
 * @throws `invalid_key` if a member is missing
 */
export function publicMembersOf(jwk: CheckedJwk, name: string): Omit<PublicJwk, 'kid' | 'alg' | 'use'> {
  const members = (PUBLIC_MEMBERS[jwk.kty] ?? []).map((member) => {
    const value = jwk[member as keyof CheckedJwk]
    return typeof value === 'string' ? [member, value] : refuseKey(`${name} has no "${member}".`)
  })
  return { kty: jwk.kty, ...Object.fromEntries(members) }
}
