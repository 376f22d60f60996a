import type { CryptoKey, JWK } from 'jose'
import type { SigningAlgorithm } from '../../../shared/signing-algorithm.ts'
import { RSA_ALGORITHMS } from '../key-rules.ts'
import { readKeyTimes } from '../key-times.ts'
import { publicMembersOf } from '../public-jwk.ts'
import { refuseKey } from '../refuse-key.ts'
import type { SigningKey } from '../signing-key.ts'
import { checkJwk } from './check-jwk.ts'
import { ImportedKey } from './imported-key.ts'
import { type KeyDefaults, kidOf } from './key-defaults.ts'
import { isConsistentRsa, withPrimes } from './rsa-numbers.ts'

/**
 * A key whose private part is in this process.
 *
 * @param source - a private JWK, or a key that WebCrypto has imported already
 * @param name - the name of the key in messages
 * @throws `invalid_key` naming the fault and the remedy
 */
export async function localKey(source: unknown, name: string, defaults: KeyDefaults = {}): Promise<SigningKey> {
  const { importJWK } = await import('jose/key/import')
  const { calculateJwkThumbprint } = await import('jose/jwk/thumbprint')
  const { SignJWT } = await import('jose/jwt/sign')
  const { jwtVerify } = await import('jose/jwt/verify')
  const imported = source instanceof ImportedKey ? source : undefined
  const given = imported?.jwk ?? source
  // WebCrypto may have a private part that cannot be exported.
  const part = imported !== undefined && imported.jwk.d === undefined ? 'public' : 'private'
  const checked = checkJwk(given, { name, part, alg: defaults.alg ?? imported?.alg })
  const { kty, alg } = checked
  const jwk = kty === 'RSA' && part === 'private' ? withPrimes({ ...checked }) : checked
  const times = readKeyTimes(jwk, name)
  const refuseMembers = (cause?: unknown) =>
    refuseKey(
      `${name} (${kty}, ${alg}) cannot be used: its members do not form a valid key. Export it again from where it was made.`,
      cause,
    )
  if (kty === 'RSA' && part === 'private' && !isConsistentRsa({ ...jwk })) {
    if (!('oth' in jwk)) return refuseMembers()
    return refuseKey(
      `${name} is an RSA key of more than two primes (member "oth"), which WebCrypto cannot use. Make a new key.`,
    )
  }
  const publicMembers = publicMembersOf(jwk, name)
  const privateKeys = new Map<string, Promise<CryptoKey>>()
  if (imported?.alg === alg) privateKeys.set(alg, Promise.resolve(imported.privateKey))
  // WebCrypto imports a key for one algorithm only.
  const privateKeyFor = (algorithm: SigningAlgorithm) => {
    const known = privateKeys.get(algorithm) ?? importPrivate(jwk, algorithm)
    privateKeys.set(algorithm, known)
    return known
  }
  let thumbprint: string
  try {
    // Sign once to check that the members belong together. An import does not check it, and a server would refuse later.
    const trial = await new SignJWT({}).setProtectedHeader({ alg }).sign(await privateKeyFor(alg))
    await jwtVerify(trial, await importJWK(publicMembers as JWK, alg))
    thumbprint = await calculateJwkThumbprint(publicMembers as JWK)
  } catch (cause) {
    return refuseMembers(cause)
  }
  const kid = kidOf(jwk.kid, name, defaults.kid) ?? thumbprint
  const isBound = kty !== 'RSA' || part === 'public' || defaults.alg !== undefined || namesAlgorithm(given, imported)
  const algorithms: readonly SigningAlgorithm[] = Object.freeze(isBound ? [alg] : [...RSA_ALGORITHMS])
  return Object.freeze({
    kid,
    alg,
    algorithms,
    publicJwk: Object.freeze({ ...publicMembers, kid, alg, use: 'sig' as const }),
    ...times,
    async signJwt(header: Record<string, unknown>, claims: Record<string, unknown>) {
      const chosen = algorithms.find((algorithm) => algorithm === header.alg) ?? alg
      return new SignJWT(claims).setProtectedHeader({ ...header, alg: chosen }).sign(await privateKeyFor(chosen))
    },
  })
}

/** Whether the key is bound to one algorithm: a `CryptoKey` always is, a JWK only if it has `alg`. */
function namesAlgorithm(given: unknown, imported: ImportedKey | undefined): boolean {
  return imported === undefined ? (given as JWK).alg !== undefined : imported.isBound
}

/** Imports only the members of the key itself, because WebCrypto may refuse a key for its other members. */
async function importPrivate(jwk: JWK, alg: string): Promise<CryptoKey> {
  const { importJWK } = await import('jose/key/import')
  const { kty, crv, n, e, x, y, d, p, q, dp, dq, qi } = jwk
  const members = kty === 'RSA' ? { n, e, d, p, q, dp, dq, qi } : kty === 'EC' ? { crv, x, y, d } : { crv, x, d }
  // Only a symmetric key would be bytes.
  return (await importJWK({ kty, ...members } as JWK, alg)) as CryptoKey
}
