import { FhirAuthError } from '../../errors.ts'
import { durationSince } from '../../events.ts'
import type { FhirContext } from '../../fhir/fhir-context.ts'
import { stateOfResponse } from '../../oauth/authorization-response.ts'
import type { LaunchRecord } from '../../session/record.ts'
import type { SessionChange } from '../../session/sessions.ts'
import { type AdapterRequest, type Answer, pathOf } from '../../web/adapter-contract.ts'
import { redirectAnswer } from '../../web/answers.ts'
import { namesLaunch, withLaunchId } from '../../web/launch-id.ts'
import type { AcceptedAnswer } from '../flow.ts'
import { parametersIn } from '../kept-parameters.ts'
import { failedLogin, type LaunchParts } from '../launch-parts.ts'
import type { PendingLogin } from '../pending-login.ts'
import { answerRepeatedCallback, callbackCameLate } from './repeated-callback.ts'

/** The authorization server sends the person back (RFC 6749 §4.1.2): one exchange of the code, and a session. */
export async function answerCallback(
  parts: LaunchParts,
  request: AdapterRequest,
  query: URLSearchParams,
): Promise<Answer> {
  const { pendingLogins } = parts
  const state = stateOfResponse(query)
  const login = await pendingLogins.find(state, request.header('cookie'))
  // A callback that does not belong to a login of this browser does not end any login.
  if (typeof login === 'string') return answerRepeatedCallback(parts, request, state, login)
  try {
    return await takeTurn(parts, request, query, login)
  } catch (error) {
    const { checks, returnTo } = login
    const { fhirBaseUrl } = checks
    // This may be the response of another server. The right one may still come, so keep the login.
    const isForeign = error instanceof FhirAuthError && error.code === 'redirect_uri_mismatch'
    const cookies = isForeign ? [] : [pendingLogins.end(state)]
    return failedLogin(parts, request, { error, cookies, returnTo, fhirBaseUrl })
  }
}

async function takeTurn(
  parts: LaunchParts,
  request: AdapterRequest,
  query: URLSearchParams,
  login: PendingLogin,
): Promise<Answer> {
  const { flow, pendingLogins, finishedLogins, settings } = parts
  const { state } = login.checks
  const secondsLeft = pendingLogins.secondsLeft(login)
  // Check before anything is stored, so that nobody can fill the store with callbacks.
  const path = settings.pathPrefix + pathOf(request.url)
  const accepted = await flow.accept({ path, query }, login)
  const turn = await finishedLogins.take(state, secondsLeft)
  try {
    if (turn.isFirst) return await completeLogin(parts, request, accepted, login)
    const location = await finishedLogins.landingOf(state)
    if (!turn.hasWaited || location === undefined) throw callbackCameLate()
    // Both callbacks came from the browser that started the login. The answer to the first one has the session cookie.
    return redirectAnswer(location, [pendingLogins.end(state)])
  } finally {
    await turn.end()
  }
}

async function completeLogin(
  parts: LaunchParts,
  request: AdapterRequest,
  accepted: AcceptedAnswer,
  login: PendingLogin,
): Promise<Answer> {
  const { flow, pendingLogins, finishedLogins, loopGuard, settings, emit, startedAt } = parts
  const { isEhrLaunch, returnTo } = login
  const { state } = login.checks
  const launch = await flow.complete(accepted)
  const cookieHeader = request.header('cookie')
  const { cookies, launches } = await openSession(parts, cookieHeader, launch, login)
  const { launchId, fhirBaseUrl, clientId, patient } = launch
  emit({ type: 'login', fhirBaseUrl, clientId, launchId, isEhrLaunch, patient, durationMs: durationSince(startedAt) })
  // If the person has, or will soon have, several launches open, the address must name this one.
  const isOneOfSeveral = isEhrLaunch || launches > 1 || (await pendingLogins.hasOthers(state, cookieHeader))
  const location = isOneOfSeveral || namesLaunch(returnTo) ? withLaunchId(returnTo, launchId) : returnTo
  const expiresAt = settings.now() + settings.loginTimeoutSeconds * 1000
  await finishedLogins.land(state, { location, fhirBaseUrl, expiresAt })
  // An EHR launch is not counted: only a page of the app can cause a login loop.
  const counted = isEhrLaunch ? [] : [loopGuard.next(cookieHeader)]
  return redirectAnswer(location, [pendingLogins.end(state), ...cookies, ...counted])
}

/** Opens the session. If the app's hook or the store fails, the new tokens are revoked and the old session stays. */
async function openSession(
  { flow, sessions, settings, emit }: LaunchParts,
  cookieHeader: string | undefined,
  launch: LaunchRecord,
  { startedAt, isEhrLaunch, returnTo }: PendingLogin,
): Promise<SessionChange> {
  const { hooks, keepParameters } = settings
  const about = { isEhrLaunch, returnTo, parameters: parametersIn(returnTo, keepParameters) }
  let change: SessionChange
  try {
    const welcome = (fhir: FhirContext) => hooks.afterLogin?.(fhir, about)
    change = await sessions.logIn(cookieHeader, { launch, startedAt, welcome })
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
