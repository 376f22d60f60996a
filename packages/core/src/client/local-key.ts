import type { JWK } from 'jose'
import { checkJwk, type KeyDefaults, kidOf, refuseKey } from './key-checks.ts'
import { readKeyTimes } from './key-times.ts'
import { isConsistentRsa } from './rsa-consistency.ts'
import { publicJwkOf, type SigningKey } from './signing-key.ts'

/**
 * A key whose private part is here.
 *
 * @param name - how messages call the key
 * @throws `invalid_key` naming the fault and the remedy
 */
export async function localKey(value: unknown, name: string, defaults: KeyDefaults = {}): Promise<SigningKey> {
  const { importJWK } = await import('jose/key/import')
  const { calculateJwkThumbprint } = await import('jose/jwk/thumbprint')
  const { SignJWT } = await import('jose/jwt/sign')
  const { jwtVerify } = await import('jose/jwt/verify')
  const jwk = checkJwk(value, name, 'private', defaults.alg)
  const { kty, alg, n, e, crv, x, y } = jwk
  const times = readKeyTimes(jwk, name)
  const publicMembers = kty === 'RSA' ? { n, e } : kty === 'EC' ? { crv, x, y } : { crv, x }
  let privateKey: Awaited<ReturnType<typeof importJWK>>
  let thumbprint: string
  const refuseMembers = (cause?: unknown) =>
    refuseKey(
      `${name} (${kty}, ${alg}) cannot be used: its members do not form a valid key. Export it again from where it was made.`,
      cause,
    )
  if (kty === 'RSA' && !isConsistentRsa({ ...jwk })) return refuseMembers()
  try {
    const { d, p, q, dp, dq, qi } = jwk as JWK
    // Nothing else of it: WebCrypto refuses a key for what other members say.
    const privateMembers = kty === 'RSA' ? { d, p, q, dp, dq, qi } : { d }
    privateKey = await importJWK({ kty, ...publicMembers, ...privateMembers } as JWK, alg)
    // A trial now, rather than a server's refusal later: an import does not show that the members belong together.
    const trial = await new SignJWT({}).setProtectedHeader({ alg }).sign(privateKey)
    await jwtVerify(trial, await importJWK({ kty, ...publicMembers } as JWK, alg))
    thumbprint = await calculateJwkThumbprint({ kty, ...publicMembers } as JWK)
  } catch (cause) {
    return refuseMembers(cause)
  }
  const kid = kidOf(jwk.kid, name, defaults.kid) ?? thumbprint
  return Object.freeze({
    kid,
    alg,
    publicJwk: publicJwkOf(jwk, kid),
    ...times,
    signJwt(header: Record<string, unknown>, claims: Record<string, unknown>) {
      return new SignJWT(claims).setProtectedHeader({ ...header, alg }).sign(privateKey)
    },
  })
}
