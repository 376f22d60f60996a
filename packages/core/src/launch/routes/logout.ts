import { FhirAuthError } from '../../errors.ts'
import { isLive } from '../../session/record.ts'
import type { AdapterRequest, Answer } from '../../web/adapter-contract.ts'
import { redirectAnswer } from '../../web/answers.ts'
import type { LaunchSetup } from '../launch-parts.ts'

/** Ends the session here first, and then revokes the tokens at the server (RFC 7009), which may fail. */
export async function answerLogout(parts: LaunchSetup, request: AdapterRequest): Promise<Answer> {
  const { flow, sessions, settings, emit } = parts
  const { origin, publicPaths, logoutAtServer } = settings
  // A form on another site must not log people out. Many apps send Referrer-Policy: no-referrer, and then Origin is `null`
  // (Fetch §3.2). Sec-Fetch-Site is right even then, and pages cannot forge it.
  const isOwnPage = request.header('sec-fetch-site') === 'same-origin'
  if (!isOwnPage && request.header('origin') !== origin) {
    const message = `Logout needs a POST from a page of ${origin}, with its Origin header.`
    throw new FhirAuthError('cross_origin_request', message)
  }
  const { cookies, launches } = await sessions.logOut(request.header('cookie'))
  const live = launches.filter(isLive)
  for (const { fhirBaseUrl, clientId, launchId } of live) {
    emit({ type: 'launch_ended', fhirBaseUrl, clientId, launchId, reason: 'logout' })
  }
  await Promise.allSettled(live.map((launch) => flow.revoke(launch)))
  const last = live.at(-1)
  const atServer =
    last && logoutAtServer
      ? await flow.logoutUrl(last, origin + publicPaths.loggedOut).catch(() => undefined)
      : undefined
  return redirectAnswer(atServer ?? publicPaths.loggedOut, cookies)
}
