import { FhirAuthError, type FhirAuthErrorCode } from '../errors.ts'
import { equalInConstantTime } from '../shared/constant-time.ts'
import { shownText } from '../shared/shown-text.ts'
import type { AuthorizationChecks } from './authorization-request.ts'
import { oauthErrorOf, oauthReason } from './oauth-error.ts'

/** What an answer says, each once. */
export const RESPONSE_PARAMETERS: readonly string[] = [
  'code',
  'state',
  'iss',
  'error',
  'error_description',
  'error_uri',
]

/**
 * The `state` of an answer, by which its checks are found.
 *
 * @throws `invalid_callback` when it is missing or a parameter stands twice (RFC 6749 §3.1)
 */
export function stateOfResponse(parameters: URLSearchParams): string {
  for (const name of RESPONSE_PARAMETERS) {
    if (parameters.getAll(name).length > 1)
      refuse('invalid_callback', `The callback has the parameter "${name}" twice.`)
  }
  const state = parameters.get('state')
  if (state) return state
  // It proves nothing without a state, but an operator wants to know what a server says that leaves it out.
  const oauth = oauthErrorOf(Object.fromEntries(parameters))
  const said = oauth
    ? ` It says: ${oauth.error}${oauth.error_description ? ` (${oauth.error_description})` : ''}. A server must send the state with an error as well (RFC 6749 §4.1.2.1).`
    : ''
  throw new FhirAuthError('invalid_callback', `The callback has no state.${said} Start the login from the app again.`, {
    oauth,
  })
}

/**
 * Checks an authorization response against what was kept of its request, and returns the code (RFC 6749 §4.1.2,
 * RFC 9207). Parameters it does not know (`session_state`, `scope`, `scopes`) are ignored.
 *
 * @throws `state_mismatch`, `issuer_mismatch`, `authorization_denied`, `authorization_failed`, `invalid_callback`
 */
export function checkAuthorizationResponse(
  parameters: URLSearchParams,
  checks: Pick<AuthorizationChecks, 'state' | 'issuer' | 'issuerInResponse'>,
): string {
  // Nothing of the answer, its error included, counts before state and issuer are right.
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

/** RFC 9207 §2.4: against mix-up. Not to be confused with the `iss` of an EHR launch, which is the FHIR base URL. */
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
