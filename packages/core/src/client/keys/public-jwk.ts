import type { SigningAlgorithm } from '../../shared/signing-algorithm.ts'
import type { CheckedJwk } from './check-jwk.ts'
import { PUBLIC_MEMBERS } from './key-rules.ts'
import { refuseKey } from './refuse-key.ts'

/** Public members only: what stands in a hosted JWKS. */
export interface PublicJwk {
  kty: 'RSA' | 'EC' | 'OKP'
  kid: string
  /** Left out of a key that signs with several. */
  alg?: SigningAlgorithm
  use: 'sig'
  n?: string
  e?: string
  crv?: string
  x?: string
  y?: string
}

/**
 * Built member by member, so that whatever else a JWK has stays out of it.
 *
 * @param name - how messages call the key
 * @throws `invalid_key` when a member is missing
 */
export function publicMembersOf(jwk: CheckedJwk, name: string): Omit<PublicJwk, 'kid' | 'alg' | 'use'> {
  const members = (PUBLIC_MEMBERS[jwk.kty] ?? []).map((member) => {
    const value = jwk[member as keyof CheckedJwk]
    return typeof value === 'string' ? [member, value] : refuseKey(`${name} has no "${member}".`)
  })
  return { kty: jwk.kty, ...Object.fromEntries(members) }
}
