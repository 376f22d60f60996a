import { FhirAuthError } from '@fhir-auth/core'
import { oauthErrorOf, oauthReason, sendBounded, shownUrl } from '@fhir-auth/core/internal'
import type { ServerMetadata } from '@fhir-auth/core/protocol'
import { type AuthorizationRequest, createAuthorizationRequest, type LaunchClient } from '@fhir-auth/core/protocol'
import { type Advice, remediesOf } from './advice/advice.ts'
import { LOGIN_ADVICE } from './advice/login-table.ts'
import type { Check } from './check.ts'
import { networkFaultOf } from './network-fault.ts'
import { recordingFetch } from './recording-fetch.ts'

/** How a server says that only the person is missing (OpenID Connect Core §3.1.2.6). */
const ONLY_A_PERSON_IS_MISSING = [
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
]

/** A page shows errors in words of its own. */
const ERROR_IN_PAGE =
  /\b(?:invalid_(?:request|client|scope|redirect_uri)|unauthorized_client|redirect[_ ]uri[_ ]mismatch)\b/i

/**
 * Sends the authorization request of a login as a browser would, with `prompt=none`: nobody is asked anything, and nothing
 * changes. No secret is in it, no redirect is followed, and a code that comes back is thrown away.
 */
export async function probeAuthorization(client: LaunchClient, metadata: ServerMetadata): Promise<Check> {
  return { name: 'authorize', ...(await probe(client, metadata)) }
}

type ProbeOutcome = Omit<Check, 'name'>

async function probe(client: LaunchClient, metadata: ServerMetadata): Promise<ProbeOutcome> {
  let request: AuthorizationRequest
  try {
    request = await createAuthorizationRequest(client, metadata)
  } catch (error) {
    if (error instanceof FhirAuthError) return { status: 'red', summary: error.message, details: [] }
    throw error
  }
  const url = new URL(request.url)
  url.searchParams.set('prompt', 'none')
  const { fetch, exchanges } = recordingFetch()
  const headers = { accept: 'text/html,application/xhtml+xml' }
  try {
    const answer = await sendBounded({ method: 'GET', url: url.href, headers }, { fetch })
    return judgePage(answer.status, answer.body, client)
  } catch (error) {
    if (!(error instanceof FhirAuthError)) throw error
    const location = exchanges[0]?.answer?.headers.get('location')
    if (error.code === 'unexpected_redirect' && location && URL.canParse(location, url.href)) {
      return judgeRedirect(new URL(location, url), request, client)
    }
    const fault = networkFaultOf(error, exchanges[0])
    return { status: 'red', summary: error.message, details: fault ? [fault.remedy] : [] }
  }
}

function judgeRedirect(target: URL, { checks }: AuthorizationRequest, client: LaunchClient): ProbeOutcome {
  const expected = new URL(client.redirectUri)
  if (target.origin !== expected.origin || target.pathname !== expected.pathname) {
    const own = oauthErrorOf(Object.fromEntries(target.searchParams))
    if (own !== undefined) {
      const details = remediesFor(LOGIN_ADVICE.refusedClient, client)
      return { status: 'red', summary: `The server leads to an error page of its own: ${oauthReason(own)}.`, details }
    }
    const details = ['Whether the server knows client and redirect URI shows only in a browser: log in once.']
    return { status: 'green', summary: `The server leads on to ${shownUrl(target.href)}, to log in.`, details }
  }
  // Some servers put the error into the fragment.
  const query = target.searchParams.has('error') ? target.searchParams : new URLSearchParams(target.hash.slice(1))
  const oauth = oauthErrorOf(Object.fromEntries(query))
  const details =
    (query.get('state') ?? target.searchParams.get('state')) === checks.state
      ? []
      : ['The answer lacks the state of the request, so your app will refuse it (RFC 6749 §4.1.2.1): tell the vendor.']
  const status = details.length > 0 ? 'amber' : 'green'
  if (oauth === undefined) {
    if (target.searchParams.has('code')) {
      return { status, summary: 'The server knows the client, and gave a code at once. It was thrown away.', details }
    }
    const nothing = 'The server leads back to the app with neither a code nor an error.'
    return { status: 'red', summary: nothing, details: [...details, 'Ask the vendor what is registered.'] }
  }
  const reason = oauthReason(oauth)
  if (ONLY_A_PERSON_IS_MISSING.includes(oauth.error)) {
    return {
      status,
      summary: `The server knows client, redirect URI and scope, and wants a person: ${reason}.`,
      details,
    }
  }
  return {
    status: oauth.error === 'access_denied' ? 'amber' : 'red',
    summary: `The server refuses the request: ${reason}.`,
    details: [...remediesFor(adviceByError(oauth.error), client), ...details],
  }
}

function judgePage(status: number, body: string, client: LaunchClient): ProbeOutcome {
  const advice = (one: Advice) => remediesFor(one, client)
  const [named] = ERROR_IN_PAGE.exec(body) ?? []
  if (status === 200) {
    const summary = 'The server answers with a page, as many do to log in.'
    if (named !== undefined) {
      return {
        status: 'amber',
        summary: `The server answers with a page that has "${named}" in it.`,
        details: advice(LOGIN_ADVICE.refusedClient),
      }
    }
    const details = ['Whether it knows client and redirect URI shows only in a browser: log in once.']
    return { status: 'green', summary, details }
  }
  const said = named ?? jsonErrorOf(body)
  const summary = `The server answers ${status}${said === undefined ? '' : `: ${said}`}, and does not lead back to the app.`
  if (status >= 500) return { status: 'red', summary, details: advice(LOGIN_ADVICE.serverError) }
  if (status === 404 || status === 405) return { status: 'red', summary, details: advice(LOGIN_ADVICE.notFound) }
  return { status: 'red', summary, details: advice(LOGIN_ADVICE.refusedClient) }
}

function jsonErrorOf(body: string): string | undefined {
  try {
    const members: unknown = JSON.parse(body)
    const oauth = typeof members === 'object' && members !== null ? oauthErrorOf({ ...members }) : undefined
    return oauth && oauthReason(oauth)
  } catch {
    return undefined
  }
}

function adviceByError(error: string): Advice {
  switch (error) {
    case 'invalid_scope':
      return LOGIN_ADVICE.invalidScope
    case 'unauthorized_client':
    case 'unsupported_response_type':
      return LOGIN_ADVICE.unauthorizedClient
    case 'invalid_request':
      return LOGIN_ADVICE.invalidRequest
    case 'server_error':
    case 'temporarily_unavailable':
      return LOGIN_ADVICE.serverError
    case 'access_denied':
      return LOGIN_ADVICE.accessDenied
    default:
      return LOGIN_ADVICE.otherError
  }
}

function remediesFor(advice: Advice, { fhirBaseUrl, clientId, redirectUri, scope }: LaunchClient): string[] {
  return remediesOf(advice, { fhirBaseUrl, clientId, redirectUri, scope })
}
