import { FhirAuthError } from '../../errors.ts'
import type { AdapterRequest, Answer } from '../../web/adapter-contract.ts'
import { redirectAnswer } from '../../web/answers.ts'
import { withLaunchId } from '../../web/launch-id.ts'
import { launchIdOfState } from '../flow.ts'
import type { LaunchParts } from '../launch-parts.ts'
import { unknownLogin } from '../unknown-login.ts'

/**
 * Answers a callback without a pending login: a reload, the back button, a service worker. The browser that this login has
 * logged in is sent where the first callback went. Any other browser is refused.
 *
 * @throws `state_mismatch`, `transaction_used`, `session_store_failed`
 */
export async function answerRepeatedCallback(
  parts: LaunchParts,
  request: AdapterRequest,
  state: string,
  found: 'no cookie' | 'not ours',
): Promise<Answer> {
  const { sessions, finishedLogins, settings } = parts
  const { origin, publicPaths, loginTimeoutSeconds: timeoutSeconds } = settings
  const launchId = await launchIdOfState(state)
  const home = withLaunchId(publicPaths.home, launchId)
  const page: AdapterRequest = { method: 'GET', url: home, header: (name) => request.header(name) }
  if (await sessions.contextFor(page)) return redirectAnswer((await finishedLogins.landingOf(state)) ?? home)
  const isUsed = await finishedLogins.isUsed(state)
  throw unknownLogin(request, { state, found, isUsed, origin, timeoutSeconds })
}

/** The error for a second callback if the first one has failed, or if its session cookie did not come back. */
export function callbackCameLate(): FhirAuthError {
  return new FhirAuthError('transaction_used', 'This login has been completed already. Go to the app, or log in again.')
}
