import type { LaunchClient } from '../client/client.ts'
import { durationSince } from '../events.ts'
import { refuseOption } from '../options.ts'
import type { AdapterRequest, Answer } from '../web/adapter-contract.ts'
import { pageAnswer, redirectAnswer } from '../web/answers.ts'
import { authorizationForm } from '../web/pages.ts'
import { keepChecks } from './kept-checks.ts'
import { parametersIn, withParameters } from './kept-parameters.ts'
import type { LaunchParts } from './launch-parts.ts'
import type { PendingLogin } from './pending-login.ts'
import { newState } from './unknown-login.ts'

export interface LoginStart {
  readonly client: LaunchClient
  /** The `launch` value of an EHR launch; undefined for a standalone launch. */
  readonly launch: string | undefined
  /** Where the person goes after the login. */
  readonly returnTo: string
}

/** Sends a person to the authorization server. A cookie keeps what the callback is checked against. */
export async function beginLogin(
  parts: LaunchParts,
  request: AdapterRequest,
  { client, launch, returnTo }: LoginStart,
): Promise<Answer> {
  const { flow, settings, emit, startedAt } = parts
  const state = newState(request, settings.origin)
  const { checks, method, url, endpoint, parameters } = await flow.begin(client, { launch, state })
  const isEhrLaunch = launch !== undefined
  const login = { checks: await keepChecks(checks), isEhrLaunch, returnTo, startedAt: settings.now() }
  const cookies = await cookiesOf(parts, login, request.header('cookie'))
  const { fhirBaseUrl, clientId } = client
  emit({ type: 'login_started', fhirBaseUrl, clientId, isEhrLaunch, durationMs: durationSince(startedAt) })
  if (method === 'GET') return redirectAnswer(url, cookies)
  const { html, scriptHash } = authorizationForm(endpoint, parameters, settings.problems.pages)
  return pageAnswer(html, 200, cookies, scriptHash)
}

/** The cookies of the login. If the address of the requested page does not fit, the home page is used instead. */
async function cookiesOf(
  { pendingLogins, settings, emit }: LaunchParts,
  login: PendingLogin,
  cookieHeader: string | undefined,
): Promise<string[]> {
  const cookies = await pendingLogins.begin(login, cookieHeader)
  if (cookies !== undefined) return cookies
  const { publicPaths, keepParameters } = settings
  const returnTo = withParameters(publicPaths.home, parametersIn(login.returnTo, keepParameters))
  emit({ type: 'return_to_dropped', length: login.returnTo.length })
  return (
    (await pendingLogins.begin({ ...login, returnTo }, cookieHeader)) ??
    refuseOption(
      'The login does not fit into a cookie of 4096 bytes, because the endpoints and the issuer that the server publishes are too long. Set shorter ones in metadata, if the server has any.',
    )
  )
}
