import type { JWTPayload } from 'jose'
import type { Client } from '../client/client.ts'
import type { IdTokenCheck, IdTokenRules } from '../dialects/dialect.ts'
import { FhirAuthError } from '../errors.ts'
import type { IdTokenClaims } from '../fhir/fhir-grant.ts'
import { isTooDeep } from '../shared/nesting.ts'
import { shownText } from '../shared/shown-text.ts'

export const CLOCK_TOLERANCE_SECONDS = 60
/** An id_token is issued for its token response. An older one belongs to another login. */
const MAX_AGE_SECONDS = 3600

/** The largest size of all claims as JSON, because a session keeps them. */
const MAX_CLAIMS_LENGTH = 64_000

/** What an id_token must match. */
export interface IdTokenExpectations {
  /** The nonce of the authorization request. */
  readonly nonce: string | undefined
  /** For a refresh: the claims of the login's id_token, if it had one. */
  readonly before?: IdTokenClaims | undefined
}

/** Header types of other tokens, such as access and logout tokens, are refused (RFC 8725 §3.11). */
export function checkType(typ: unknown, rules: IdTokenRules): void {
  if (typ === undefined || rules.skipChecks.includes('typ')) return
  if (typeof typ === 'string' && ['jwt', 'jose', 'application/jwt', 'id_token+jwt'].includes(typ.toLowerCase())) return
  const shown = typeof typ === 'string' ? `"${shownText(typ, 40)}"` : 'no text'
  refuse(`its header "typ" is ${shown}, so it is no id_token`, 'typ')
}

/** @throws `invalid_id_token`; the message names the dialect rule that skips the check, if there is one */
export function checkClaims(
  claims: JWTPayload,
  expected: IdTokenExpectations,
  { client: { clientId, dialect }, now }: { readonly client: Client; readonly now: number },
): IdTokenClaims {
  // First of all: nothing that is too deep can be written as JSON.
  if (isTooDeep(claims)) refuse('its claims are nested too deeply')
  if (JSON.stringify(claims).length > MAX_CLAIMS_LENGTH) refuse('its claims are too long to be kept')
  const { iss, sub, aud, azp, exp, events } = claims
  const rules = dialect.idToken
  if (iss === undefined || exp === undefined) refuse('"iss" or "exp" is missing')
  // `iss` and `sub` together identify a person, so another type must not pass as text.
  if (typeof sub !== 'string' || sub === '') refuse('"sub" is missing or no text')
  if (Array.isArray(aud) && aud.length > 1 && azp === undefined) refuse('it has several audiences and no "azp"')
  if (azp !== undefined && azp !== clientId) refuse('"azp" is another client')
  // Only a logout token has it (OpenID Connect Back-Channel Logout §2.4).
  if (events !== undefined) refuse('it has "events", so it is another kind of token')
  checkIssuedAt(claims, rules, now)
  if (expected.nonce !== undefined) checkNonce(claims, expected.nonce, rules)
  if (expected.before !== undefined) checkRefreshed(claims, expected.before, rules)
  return Object.freeze({ ...claims, iss, sub })
}

function checkIssuedAt({ iat }: JWTPayload, rules: IdTokenRules, now: number): void {
  if (iat !== undefined && iat > now / 1000 + CLOCK_TOLERANCE_SECONDS) {
    refuse('"iat" is in the future: compare the clocks of the server and of this machine')
  }
  if (rules.skipChecks.includes('iat')) return
  if (iat === undefined) refuse('"iat" is missing', 'iat')
  if (iat < now / 1000 - MAX_AGE_SECONDS) refuse('"iat" is more than an hour ago', 'iat')
}

/** If a nonce was sent, it must be in the id_token (OpenID Connect Core §3.1.3.7 no. 11). */
function checkNonce({ nonce }: JWTPayload, sent: string, rules: IdTokenRules): void {
  if (nonce === undefined && !rules.skipChecks.includes('nonce')) refuse('"nonce" is missing', 'nonce')
  if (nonce !== undefined && nonce !== sent) refuse('"nonce" is of another login')
}

/** After a refresh, the person and the time of the login must be the same (OpenID Connect Core §12.2). */
function checkRefreshed(claims: JWTPayload, before: IdTokenClaims, rules: IdTokenRules): void {
  if (claims.iss !== before.iss) refuse('"iss" is another one than before the refresh')
  if (claims.sub !== before.sub) refuse('"sub" is another person than before the refresh')
  if (claims.nonce !== undefined && claims.nonce !== before.nonce) refuse('"nonce" is of another login')
  const { iat } = claims
  if (typeof before.iat === 'number' && iat !== undefined && iat < before.iat - CLOCK_TOLERANCE_SECONDS) {
    refuse('it is older than the id_token of the login')
  }
  if (claims.auth_time === undefined || before.auth_time === undefined) return
  if (claims.auth_time !== before.auth_time && !rules.skipChecks.includes('auth_time')) {
    refuse('"auth_time" is another one than before the refresh', 'auth_time')
  }
}

/** @param check - the name of the check in the dialect rule `skipChecks`, if it can be skipped */
function refuse(fault: string, check?: IdTokenCheck): never {
  const remedy =
    check === undefined
      ? ''
      : ` If the server cannot do better, use a dialect with idToken: { skipChecks: ['${check}'] }.`
  throw new FhirAuthError('invalid_id_token', `The id_token is refused: ${fault}.${remedy}`)
}
