import type { LaunchClient } from '../client/client.ts'
import type { AdapterRequest, Answer } from '../web/adapter-contract.ts'
import { pageAnswer, redirectAnswer } from '../web/answers.ts'
import { authorizationForm } from '../web/pages.ts'
import type { LaunchParts } from './launch-parts.ts'

export interface LoginStart {
  readonly client: LaunchClient
  /** The handle of an EHR launch; undefined for a standalone launch. */
  readonly launch: string | undefined
  /** Where the person goes after the login. */
  readonly returnTo: string
}

/** Sends a person to the authorization server, and notes in a cookie what its answer is checked against. */
export async function beginLogin(
  { flow, pendingLogins, settings }: LaunchParts,
  request: AdapterRequest,
  { client, launch, returnTo }: LoginStart,
): Promise<Answer> {
  const { checks, method, url, endpoint, parameters } = await flow.begin(client, launch)
  const login = { checks, isEhrLaunch: launch !== undefined, returnTo, startedAt: settings.now() }
  const cookies = await pendingLogins.begin(login, request.header('cookie'))
  if (method === 'GET') return redirectAnswer(url, cookies)
  const { html, scriptHash } = authorizationForm(endpoint, parameters)
  return pageAnswer(html, 200, cookies, scriptHash)
}
