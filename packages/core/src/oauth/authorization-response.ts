import { FhirAuthError, type FhirAuthErrorCode } from '../errors.ts'
import { equalInConstantTime } from '../shared/constant-time.ts'
import { shownText } from '../shared/shown-text.ts'
import type { AuthorizationChecks } from './authorization-request.ts'
import { oauthErrorOf, oauthReason } from './oauth-error.ts'

/** The parameters of an authorization response. None may occur twice. */
export const RESPONSE_PARAMETERS: readonly string[] = [
  'code',
  'state',
  'iss',
  'error',
  'error_description',
  'error_uri',
]

/**
 * The `state` of a response, which leads to its checks.
 *
 * @throws `invalid_callback` if it is missing or a parameter occurs twice (RFC 6749 §3.1)
 */
export function stateOfResponse(parameters: URLSearchParams): string {
  for (const name of RESPONSE_PARAMETERS) {
    if (parameters.getAll(name).length > 1)
      refuse('invalid_callback', `The callback has the parameter "${name}" twice.`)
  }
  const state = parameters.get('state')
  if (state) return state
  // Without a state the error proves nothing, but it helps the operator.
  const oauth = oauthErrorOf(Object.fromEntries(parameters))
  const said = oauth
    ? ` It says: ${oauth.error}${oauth.error_description ? ` (${oauth.error_description})` : ''}. A server must send the state with an error as well (RFC 6749 §4.1.2.1).`
    : ''
  throw new FhirAuthError('invalid_callback', `The callback has no state.${said} Start the login from the app again.`, {
    oauth,
  })
}

/**
 * Checks an authorization response against the checks of its request, and returns the code (RFC 6749 §4.1.2, RFC 9207).
 * Unknown parameters (`session_state`, `scope`, `scopes`) are ignored.
 *
 * @throws `state_mismatch`, `issuer_mismatch`, `authorization_denied`, `authorization_failed`, `invalid_callback`
 */
export function checkAuthorizationResponse(
  parameters: URLSearchParams,
  checks: Pick<AuthorizationChecks, 'state' | 'issuer' | 'issuerInResponse'>,
): string {
  // Check state and issuer first: before that, not even an error may be trusted.
  if (!equalInConstantTime(stateOfResponse(parameters), checks.state)) {
    refuse('state_mismatch', 'The callback belongs to another login. Start the login from the app again.')
  }
  return codeOfResponse(parameters, checks)
}

/**
 * The code of an answer whose `state` is known to be right: its login was found by it.
 *
 * @throws as {@link checkAuthorizationResponse}, but for `state_mismatch`
 */
export function codeOfResponse(
  parameters: URLSearchParams,
  checks: Pick<AuthorizationChecks, 'issuer' | 'issuerInResponse'>,
): string {
  checkResponseIssuer(parameters.get('iss'), checks)
  const oauth = oauthErrorOf(Object.fromEntries(parameters))
  if (oauth) {
    const denied = oauth.error === 'access_denied'
    throw new FhirAuthError(
      denied ? 'authorization_denied' : 'authorization_failed',
      `The authorization server refused the login: ${oauthReason(oauth)}.`,
      { oauth },
    )
  }
  const code = parameters.get('code')
  if (!code) refuse('invalid_callback', 'The callback has neither a code nor an error.')
  return code
}

/** Against mix-up attacks (RFC 9207 §2.4). This `iss` is not that of an EHR launch, which is the FHIR base URL. */
function checkResponseIssuer(
  given: string | null,
  { issuer, issuerInResponse }: Pick<AuthorizationChecks, 'issuer' | 'issuerInResponse'>,
): void {
  if (given === null) {
    if (issuerInResponse) refuse('issuer_mismatch', 'The callback lacks the iss that the server promises (RFC 9207).')
    return
  }
  if (issuer === undefined) {
    refuse(
      'issuer_mismatch',
      `The callback says that it comes from ${shownText(given)}, and no issuer of the server is known to compare it with (RFC 9207 §2.4). Set metadata.issuer of the registration.`,
    )
  }
  if (given !== issuer) {
    refuse('issuer_mismatch', `The callback came from ${shownText(given)}, but the login went to ${issuer}.`)
  }
}

function refuse(code: FhirAuthErrorCode, message: string): never {
  throw new FhirAuthError(code, message)
}
