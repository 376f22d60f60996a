import type { JWTHeaderParameters, JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose'
import type { Client } from '../client/client.ts'
import { requireEndpoint, type ServerMetadata } from '../discovery/server-metadata.ts'
import { FhirAuthError } from '../errors.ts'
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

/** How many keys are tried for one id_token. A hostile server must not keep this process busy. */
const MAX_KEYS = 10

/** Verifies the signature of an id_token with its server's keys, checks type, `aud` and times, and returns the payload. */
export async function verifiedPayload(
  token: string,
  checks: JWTVerifyOptions,
  { client, metadata, issuerKeys }: SignatureSources,
): Promise<JWTPayload> {
  const { createLocalJWKSet } = await import('jose/jwks/local')
  const published = metadata.id_token_signing_alg_values_supported
  const algorithms = published ? ALGORITHMS.filter((alg) => published.includes(alg)) : ALGORITHMS
  // Asked once the algorithm is known to be right: nothing is fetched for any other token.
  const keyOf = async (header: JWTHeaderParameters) => {
    checkType(header.typ, client.dialect.idToken)
    return createLocalJWKSet(await issuerKeys.get(requireEndpoint(metadata, 'jwks_uri'), header.kid))(header)
  }
  return verifyByAny(token, keyOf, { ...checks, algorithms: [...algorithms] })
}

/**
 * Tries each key that fits. There may be several: RFC 7517 §4.5 only recommends unique values of `kid`, and an id_token may
 * have no `kid`.
 */
async function verifyByAny(token: string, keyOf: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
  const { jwtVerify } = await import('jose/jwt/verify')
  const { JWKSMultipleMatchingKeys, JWTClaimValidationFailed, JWTExpired } = await import('jose/errors')
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
    throw new FhirAuthError('invalid_id_token', `The id_token is refused: ${reason}.`)
  }
}
