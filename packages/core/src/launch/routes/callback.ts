import { FhirAuthError } from '../../errors.ts'
import { stateOfResponse } from '../../oauth/authorization-response.ts'
import type { LaunchRecord } from '../../session/record.ts'
import type { SessionChange } from '../../session/sessions.ts'
import { randomToken } from '../../shared/random.ts'
import type { AdapterRequest, Answer } from '../../web/adapter-contract.ts'
import { redirectAnswer } from '../../web/answers.ts'
import { namesLaunch, withLaunchId } from '../../web/launch-id.ts'
import { failedLogin, type LaunchParts } from '../launch-parts.ts'
import type { PendingLogin } from '../pending-login.ts'

/** The authorization server sends the person back (RFC 6749 §4.1.2): one exchange of the code, and a session. */
export async function answerCallback(
  parts: LaunchParts,
  request: AdapterRequest,
  query: URLSearchParams,
): Promise<Answer> {
  const { pendingLogins } = parts
  const state = stateOfResponse(query)
  // A callback that does not belong to a login of this browser ends none.
  const login = await pendingLogins.find(state, request.header('cookie'))
  try {
    return await completeLogin(parts, request, { query, state, login })
  } catch (error) {
    return failedLogin(parts, request, { error, cookies: [pendingLogins.end(state)], returnTo: login.returnTo })
  }
}

async function completeLogin(
  parts: LaunchParts,
  request: AdapterRequest,
  { query, state, login }: { query: URLSearchParams; state: string; login: PendingLogin },
): Promise<Answer> {
  const { flow, pendingLogins, settings, usedStates, emit } = parts
  const { checks, isEhrLaunch, returnTo } = login
  // Taken before the code is used, so that two callbacks at once make one exchange.
  if (!(await usedStates.claim(`login ${state}`, randomToken(), settings.loginTimeoutSeconds))) {
    throw new FhirAuthError('transaction_used', 'This login is already completed. Go to the app, or log in again.')
  }
  const launch = await flow.complete(query, checks)
  const cookieHeader = request.header('cookie')
  const { cookies, launches } = await openSession(parts, cookieHeader, { launch, startedAt: login.startedAt })
  const { launchId, fhirBaseUrl, clientId, patient } = launch
  emit({ type: 'login', fhirBaseUrl, clientId, launchId, isEhrLaunch, patient })
  // A person may have several patients open, or be about to: then each page says which launch it belongs to.
  const isOneOfSeveral = isEhrLaunch || launches > 1 || pendingLogins.countIn(cookieHeader) > 1
  const location = isOneOfSeveral || namesLaunch(returnTo) ? withLaunchId(returnTo, launchId) : returnTo
  return redirectAnswer(location, [pendingLogins.end(state), ...cookies])
}

/** Where the app's hook or the store stops it, nothing is left of the login, and the session before it goes on. */
async function openSession(
  { flow, sessions, settings, emit }: LaunchParts,
  cookieHeader: string | undefined,
  { launch, startedAt }: { launch: LaunchRecord; startedAt: number },
): Promise<SessionChange> {
  const { afterLogin } = settings.hooks
  let change: SessionChange
  try {
    change = await sessions.logIn(cookieHeader, { launch, startedAt, welcome: (fhir) => afterLogin?.(fhir) })
  } catch (error) {
    await flow.revoke(launch).catch(() => {})
    throw error
  }
  for (const { fhirBaseUrl, clientId, launchId } of change.ended) {
    emit({ type: 'launch_ended', fhirBaseUrl, clientId, launchId, reason: 'other_person' })
  }
  await Promise.allSettled(change.ended.map((ended) => flow.revoke(ended)))
  return change
}
