import type { errors, JWTPayload } from 'jose'
import type { Client } from '../client/client.ts'
import type { ServerMetadata } from '../discovery/server-metadata.ts'
import { FhirAuthError } from '../errors.ts'
import type { IdTokenClaims } from '../fhir/fhir-grant.ts'
import { shownText } from '../shared/shown-text.ts'
import { CLOCK_TOLERANCE_SECONDS, checkClaims, checkType, type IdTokenExpectations } from './id-token-claims.ts'
import { verifiedPayload } from './id-token-signature.ts'
import type { IssuerKeys } from './issuer-keys.ts'

/** The client, the server's metadata and the keys for verifying id_tokens. */
export interface IdTokenSources {
  readonly client: Client
  readonly metadata: ServerMetadata
  readonly issuerKeys: IssuerKeys
  /** The current time in milliseconds since the epoch. */
  readonly now: number
}

/**
 * Verifies an id_token (OpenID Connect Core §3.1.3.7; §12.2 for one of a refresh): type, signature, algorithm, `iss`, `aud`,
 * `azp`, `exp`, `iat`, `nonce`. The issuer comes from configuration and discovery, never from the token.
 *
 * @returns the claims; undefined if the dialect ignores id_tokens
 * @throws `invalid_id_token`
 */
export async function verifyIdToken(
  token: string,
  expected: IdTokenExpectations,
  sources: IdTokenSources,
): Promise<IdTokenClaims | undefined> {
  const { client, metadata, now } = sources
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
  const checks = { audience, clockTolerance: CLOCK_TOLERANCE_SECONDS, currentDate: new Date(now) }
  // Loaded at the first login, so that the app starts faster.
  const { decodeProtectedHeader } = await import('jose/decode/protected_header')
  const { UnsecuredJWT } = await import('jose/jwt/unsecured')
  let claims: JWTPayload
  try {
    if (rules.mode === 'decode') {
      checkType(decodeProtectedHeader(token).typ, rules)
      const [, payload] = token.split('.')
      claims = UnsecuredJWT.decode(`${NO_ALGORITHM_HEADER}.${payload}.`, checks).payload
    } else {
      claims = await verifiedPayload(token, checks, sources)
    }
  } catch (error) {
    if (error instanceof FhirAuthError) throw error
    refuse(faultOf(error, checks))
  }
  checkIssuer(claims.iss, issuer, metadata.issuer)
  return checkClaims(claims, expected, { client, now })
}

/** What failed, and for the claims that fail most often what to check. Never a value of the token but its times. */
function faultOf(
  error: unknown,
  { audience, currentDate }: { audience: string | string[]; currentDate: Date },
): string {
  if (!(error instanceof Error)) return 'unreadable'
  const { claim, reason, payload } = error as Partial<errors.JWTClaimValidationFailed>
  if (reason === 'check_failed') {
    if (claim === 'aud') return `its "aud" is not ${[audience].flat().join(' or ')}; check clientId`
    if (claim === 'nbf') return `its "nbf" is in the future; ${COMPARE_CLOCKS}`
    if (claim === 'exp') {
      const seconds = Math.floor(currentDate.getTime() / 1000) - Math.floor(payload?.exp ?? 0)
      return `its "exp" was ${seconds} seconds ago; ${COMPARE_CLOCKS}`
    }
  }
  // jose's messages name the claim or the step that failed, never a value.
  return error.message
}

const COMPARE_CLOCKS = 'compare the clocks of the server and of this machine'

/** `{"alg":"none"}`: lets jose check the claims of a token whose signature is not checked (`mode: 'decode'`). */
const NO_ALGORITHM_HEADER = 'eyJhbGciOiJub25lIn0'

type IssuerRule = Client['dialect']['idToken']['issuer']

/** The issuer must match exactly (OpenID Connect Core §3.1.3.7 no. 2), or by the dialect's rule. */
function checkIssuer(iss: unknown, rule: NonNullable<IssuerRule>, discovered: string | undefined): void {
  if (typeof iss !== 'string') refuse('"iss" is missing or no text')
  if (typeof rule === 'function') {
    if (rule(iss, discovered)) return
    refuse(
      `its "iss" is ${shownText(iss)}, which the dialect rule idToken.issuer does not accept for the server's issuer ${shownText(discovered ?? '(none)')}. If both belong to this server, change that rule`,
    )
  }
  if (iss === rule) return
  refuse(
    `its "iss" is ${shownText(iss)}, but the server's issuer is ${shownText(rule)}; they must be equal to the letter. If both belong to this server, set the dialect rule idToken.issuer to the first one, or metadata.issuer if the server's own document is wrong`,
  )
}

function refuse(fault: string): never {
  throw new FhirAuthError('invalid_id_token', `The id_token is refused: ${fault}.`)
}
