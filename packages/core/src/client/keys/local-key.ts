import type { CryptoKey, JWK } from 'jose'
import { checkJwk } from './check-jwk.ts'
import { ImportedKey } from './imported-key.ts'
import { type KeyDefaults, kidOf } from './key-defaults.ts'
import { readKeyTimes } from './key-times.ts'
import { publicMembersOf } from './public-jwk.ts'
import { refuseKey } from './refuse-key.ts'
import { isConsistentRsa } from './rsa-numbers.ts'
import type { SigningKey } from './signing-key.ts'

/**
 * A key whose private part is here.
 *
 * @param source - a private JWK, or a key that WebCrypto holds already
 * @param name - how messages call the key
 * @throws `invalid_key` naming the fault and the remedy
 */
export async function localKey(source: unknown, name: string, defaults: KeyDefaults = {}): Promise<SigningKey> {
  const { importJWK } = await import('jose/key/import')
  const { calculateJwkThumbprint } = await import('jose/jwk/thumbprint')
  const { SignJWT } = await import('jose/jwt/sign')
  const { jwtVerify } = await import('jose/jwt/verify')
  const imported = source instanceof ImportedKey ? source : undefined
  const jwk = checkJwk(imported?.jwk ?? source, { name, part: 'private', alg: defaults.alg ?? imported?.alg })
  const { kty, alg } = jwk
  const times = readKeyTimes(jwk, name)
  const refuseMembers = (cause?: unknown) =>
    refuseKey(
      `${name} (${kty}, ${alg}) cannot be used: its members do not form a valid key. Export it again from where it was made.`,
      cause,
    )
  if (kty === 'RSA' && !isConsistentRsa({ ...jwk })) return refuseMembers()
  const publicMembers = publicMembersOf(jwk, name)
  let privateKey: CryptoKey
  let thumbprint: string
  try {
    privateKey = imported?.privateKey ?? (await importPrivate(jwk, alg))
    // A trial now, rather than a server's refusal later: an import does not show that the members belong together.
    const trial = await new SignJWT({}).setProtectedHeader({ alg }).sign(privateKey)
    await jwtVerify(trial, await importJWK(publicMembers as JWK, alg))
    thumbprint = await calculateJwkThumbprint(publicMembers as JWK)
  } catch (cause) {
    return refuseMembers(cause)
  }
  const kid = kidOf(jwk.kid, name, defaults.kid) ?? thumbprint
  return Object.freeze({
    kid,
    alg,
    publicJwk: Object.freeze({ ...publicMembers, kid, alg, use: 'sig' as const }),
    ...times,
    signJwt(header: Record<string, unknown>, claims: Record<string, unknown>) {
      return new SignJWT(claims).setProtectedHeader({ ...header, alg }).sign(privateKey)
    },
  })
}

/** Of its members those that make the key: WebCrypto refuses a key for what others say. */
async function importPrivate(jwk: JWK, alg: string): Promise<CryptoKey> {
  const { importJWK } = await import('jose/key/import')
  const { kty, crv, n, e, x, y, d, p, q, dp, dq, qi } = jwk
  const members = kty === 'RSA' ? { n, e, d, p, q, dp, dq, qi } : kty === 'EC' ? { crv, x, y, d } : { crv, x, d }
  // Only a symmetric key comes as bytes.
  return (await importJWK({ kty, ...members } as JWK, alg)) as CryptoKey
}
