import type { JWTPayload } from 'jose'
import type { Client } from '../client/client.ts'
import { requireEndpoint, type ServerMetadata } from '../discovery/server-metadata.ts'
import { FhirAuthError } from '../errors.ts'
import type { FhirUser, IdTokenClaims } from '../fhir/fhir-grant.ts'
import { isFhirId } from '../fhir/fhir-id.ts'
import { shownText } from '../shared/shown-text.ts'
import type { IssuerKeys } from './issuer-keys.ts'

/** Asymmetric only: never `none`, never a secret as key. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const CLOCK_TOLERANCE_SECONDS = 60
const FHIR_USER_TYPES = ['Patient', 'Practitioner', 'PractitionerRole', 'RelatedPerson', 'Person']

/** What the login that an id_token belongs to knows of it. */
export interface IdTokenExpectations {
  readonly nonce: string | undefined
  /** For a refresh: the id_token's `sub` must not change. */
  readonly sub?: string | undefined
}

/** Whose id_tokens are verified, and by what. */
export interface IdTokenSources {
  readonly client: Client
  readonly metadata: ServerMetadata
  readonly issuerKeys: IssuerKeys
  /** The present, in milliseconds since the epoch. */
  readonly now: number
}

/**
 * Verifies an id_token (OpenID Connect Core §3.1.3.7): signature, algorithm, `iss`, `aud`, `azp`, `exp`, `iat`, `nonce`.
 * The issuer comes from configuration and discovery, never from the token.
 *
 * @returns the claims, or undefined where the dialect ignores id_tokens
 * @throws `invalid_id_token`
 */
export async function verifyIdToken(
  token: string,
  expected: IdTokenExpectations,
  sources: IdTokenSources,
): Promise<IdTokenClaims | undefined> {
  const { client, metadata, issuerKeys, now } = sources
  const rules = client.dialect.idToken
  if (rules.mode === 'ignore') return undefined
  const issuer = rules.issuer ?? metadata.issuer
  if (issuer === undefined) {
    refuse(
      metadata.unboundIssuer === undefined
        ? 'the server publishes no issuer to check it against; set metadata.issuer, or the dialect rule idToken.issuer'
        : `the server names the issuer ${shownText(metadata.unboundIssuer)}, whose own openid-configuration does not confirm it; set metadata.issuer if it is right`,
    )
  }
  const audience = rules.audience === undefined ? client.clientId : [rules.audience].flat()
  const checks = {
    ...(typeof issuer === 'string' && { issuer }),
    audience,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    currentDate: new Date(now),
  }
  // Loaded at the first login, not when the app starts.
  const { decodeProtectedHeader } = await import('jose/decode/protected_header')
  const { jwtVerify } = await import('jose/jwt/verify')
  const { UnsecuredJWT } = await import('jose/jwt/unsecured')
  let claims: JWTPayload
  try {
    if (rules.mode === 'decode') {
      const [, payload] = token.split('.')
      claims = UnsecuredJWT.decode(`${NO_ALGORITHM_HEADER}.${payload}.`, checks).payload
    } else {
      const { createLocalJWKSet } = await import('jose/jwks/local')
      const { kid } = decodeProtectedHeader(token)
      const jwks = await issuerKeys.get(requireEndpoint(metadata, 'jwks_uri'), kid)
      const published = metadata.id_token_signing_alg_values_supported
      const algorithms = published ? ALGORITHMS.filter((alg) => published.includes(alg)) : ALGORITHMS
      claims = (await jwtVerify(token, createLocalJWKSet(jwks), { ...checks, algorithms })).payload
    }
  } catch (error) {
    if (error instanceof FhirAuthError) throw error
    // jose's messages name the claim or the step that failed, never a value.
    refuse(error instanceof Error ? error.message : 'unreadable')
  }
  // jose has checked a text; a function is the dialect's own check.
  if (typeof issuer === 'function' && !(typeof claims.iss === 'string' && issuer(claims.iss, metadata.issuer))) {
    refuse('unexpected "iss" claim value')
  }
  return checkClaims(claims, expected, sources)
}

/** `{"alg":"none"}`: lets jose check the claims of a token whose signature the dialect chose not to check. */
const NO_ALGORITHM_HEADER = 'eyJhbGciOiJub25lIn0'

function checkClaims(
  claims: JWTPayload,
  expected: IdTokenExpectations,
  { client: { clientId, dialect }, now }: IdTokenSources,
): IdTokenClaims {
  const { iss, sub, aud, azp, exp, iat, nonce } = claims
  if (iss === undefined || exp === undefined) refuse('"iss" or "exp" is missing')
  // With `iss` the key of an account, so nothing that merely looks like another one's text.
  if (typeof sub !== 'string' || sub === '') refuse('"sub" is missing or no text')
  if (iat !== undefined && iat > now / 1000 + CLOCK_TOLERANCE_SECONDS) refuse('"iat" is in the future')
  if (Array.isArray(aud) && aud.length > 1 && azp === undefined) refuse('it has several audiences and no "azp"')
  if (azp !== undefined && azp !== clientId) refuse('"azp" is another client')
  if (nonce !== undefined && expected.nonce !== undefined && nonce !== expected.nonce) {
    refuse('"nonce" is of another login')
  }
  if (nonce === undefined && dialect.idToken.requireNonce) refuse('"nonce" is missing')
  if (expected.sub !== undefined && sub !== expected.sub) refuse('"sub" is another person than before the refresh')
  return Object.freeze({ ...claims, iss, sub })
}

/**
 * The person an id_token names: `fhirUser`, absolute or relative to the FHIR base URL; `profile` where an older server
 * sends that instead. Undefined when it is no resource of the types that SMART allows, or its id is no FHIR id.
 */
export function fhirUserOf(claims: IdTokenClaims | undefined, fhirBaseUrl: string): FhirUser | undefined {
  const reference = claims?.fhirUser ?? claims?.profile
  if (typeof reference !== 'string') return undefined
  const directory = fhirBaseUrl.endsWith('/') ? fhirBaseUrl : `${fhirBaseUrl}/`
  if (!URL.canParse(reference, directory)) return undefined
  const url = new URL(reference, directory)
  const [type, id] = url.pathname.split('/').slice(-2)
  if (!type || !id || !FHIR_USER_TYPES.includes(type) || !/^https?:$/.test(url.protocol)) return undefined
  if (!isFhirId(id)) return undefined
  return Object.freeze({ type, id, url: url.href })
}

function refuse(fault: string): never {
  throw new FhirAuthError('invalid_id_token', `The id_token is refused: ${fault}.`)
}
