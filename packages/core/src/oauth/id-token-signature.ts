import type { JSONWebKeySet, JWTHeaderParameters, JWTPayload, JWTVerifyOptions } from 'jose'
import type { Client } from '../client/client.ts'
import { requireEndpoint, type ServerMetadata } from '../discovery/server-metadata.ts'
import { checkType } from './id-token-claims.ts'
import type { IssuerKeys } from './issuer-keys.ts'

/** Only asymmetric algorithms: no `none`, and no client secret as a key. */
export const ALGORITHMS: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

interface SignatureSources {
  readonly client: Client
  readonly metadata: ServerMetadata
  readonly issuerKeys: IssuerKeys
}

type KeysFor = (header: JWTHeaderParameters) => Promise<JSONWebKeySet>

/** How many keys are tried for one id_token. A hostile server must not keep this process busy. */
const MAX_KEYS = 10

/**
 * Verifies the signature of an id_token with its server's keys, checks type, `aud` and times, and returns the payload. If none
 * of the known keys has signed it, the keys are fetched once more: the server may have rotated them.
 */
export async function verifiedPayload(
  token: string,
  checks: JWTVerifyOptions,
  { client, metadata, issuerKeys }: SignatureSources,
): Promise<JWTPayload> {
  const published = metadata.id_token_signing_alg_values_supported
  const algorithms = published ? ALGORITHMS.filter((alg) => published.includes(alg)) : ALGORITHMS
  let known: { readonly jwks: JSONWebKeySet; readonly jwksUri: string } | undefined
  const verifyWith = (keysFor: KeysFor) => verifyByAny(token, keysFor, { ...checks, algorithms: [...algorithms] })
  try {
    return await verifyWith(async ({ typ, kid }) => {
      // Asked once the algorithm is known to be right: nothing is fetched for any other token.
      checkType(typ, client.dialect.idToken)
      const jwksUri = requireEndpoint(metadata, 'jwks_uri')
      known = { jwks: await issuerKeys.get(jwksUri, kid), jwksUri }
      return known.jwks
    })
  } catch (error) {
    const { JWKSNoMatchingKey, JWSSignatureVerificationFailed } = await import('jose/errors')
    const isOfKnownKey = !(error instanceof JWKSNoMatchingKey || error instanceof JWSSignatureVerificationFailed)
    if (known === undefined || isOfKnownKey) throw error
    const newer = await issuerKeys.newerThan(known.jwks, known.jwksUri)
    if (newer === undefined) throw error
    return await verifyWith(async () => newer)
  }
}

/**
 * Tries each key that fits. There may be several: RFC 7517 §4.5 only recommends unique values of `kid`, and an id_token may
 * have no `kid`.
 */
async function verifyByAny(token: string, keysFor: KeysFor, options: JWTVerifyOptions): Promise<JWTPayload> {
  const { createLocalJWKSet } = await import('jose/jwks/local')
  const { jwtVerify } = await import('jose/jwt/verify')
  const { JWKSMultipleMatchingKeys, JWKSNoMatchingKey, JWTClaimValidationFailed, JWTExpired } = await import(
    'jose/errors'
  )
  const keyOf = async (header: JWTHeaderParameters) => createLocalJWKSet(await keysFor(header))(header)
  try {
    return (await jwtVerify(token, keyOf, options)).payload
  } catch (error) {
    if (!(error instanceof JWKSMultipleMatchingKeys)) throw error
    let tried = 0
    for await (const key of error) {
      if (++tried > MAX_KEYS) break
      try {
        return (await jwtVerify(token, key, options)).payload
      } catch (failure) {
        // jose checks claims only after the signature, so these errors mean that the key was right.
        if (failure instanceof JWTClaimValidationFailed || failure instanceof JWTExpired) throw failure
      }
    }
    const reason =
      tried > MAX_KEYS
        ? `more than ${MAX_KEYS} keys of the server fit, and none of the first ${MAX_KEYS} has signed it. Ask the vendor to give each key a "kid" of its own`
        : `signature verification failed for each of the ${tried} keys of the server that fit`
    throw new JWKSNoMatchingKey(reason)
  }
}
