import type { SigningAlgorithm } from '../shared/signing-algorithm.ts'
import { type CheckedJwk, refuseKey } from './key-checks.ts'
import type { KeyTimes } from './key-times.ts'

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

/** One key that signs assertions, and when it does. */
export interface SigningKey extends KeyTimes {
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly publicJwk: PublicJwk
  /** A compact JWS over the header and claims. */
  signJwt(header: Record<string, unknown>, claims: Record<string, unknown>): Promise<string>
}

/** Built member by member, so that whatever else a JWK has stays out of it. */
export function publicJwkOf({ kty, alg, n, e, crv, x, y }: CheckedJwk, kid: string): PublicJwk {
  const key = { kty, kid, alg, use: 'sig' } as const
  if (kty === 'RSA') return Object.freeze({ ...key, ...required({ n, e }, kid) })
  return Object.freeze({ ...key, ...(kty === 'EC' ? required({ crv, x, y }, kid) : required({ crv, x }, kid)) })
}

function required<Name extends string>(members: Record<Name, unknown>, kid: string): Record<Name, string> {
  for (const [name, value] of Object.entries(members)) {
    if (typeof value !== 'string') refuseKey(`The key "${kid}" has no "${name}".`)
  }
  return members as Record<Name, string>
}
