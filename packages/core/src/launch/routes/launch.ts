import { spelledLike } from '../../client/client-directory.ts'
import { FhirAuthError } from '../../errors.ts'
import type { AdapterRequest, Answer } from '../../web/adapter-contract.ts'
import { beginLogin } from '../begin-login.ts'
import { askFrameForCookies } from '../frame-check.ts'
import { readKeptParameters, withParameters } from '../kept-parameters.ts'
import type { LaunchParts } from '../launch-parts.ts'

/**
 * The EHR opens the app (SMART App Launch 2.2 "Launch App: EHR Launch"). The issuer is looked up before any request goes to
 * it.
 */
export async function answerLaunch(
  parts: LaunchParts,
  request: AdapterRequest,
  query: URLSearchParams,
): Promise<Answer> {
  const { session, publicPaths, keepParameters, problems } = parts.settings
  const kept = readKeptParameters(query, keepParameters)
  const [iss, ...moreIssuers] = query.getAll('iss')
  const [launch, ...moreLaunches] = query.getAll('launch')
  if (!iss || !launch || moreIssuers.length > 0 || moreLaunches.length > 0) {
    throw new FhirAuthError('invalid_launch', 'An EHR launch needs the parameters iss and launch, each once.')
  }
  // `aud` gets a trailing slash exactly if the `iss` of the launch has one; everything else is as registered.
  const registered = await parts.flow.clientAt(iss)
  const client = { ...registered, fhirBaseUrl: spelledLike(registered.fhirBaseUrl, iss) }
  // Before the `launch` value is used, because it works only once.
  const frame = { launchPath: publicPaths.launch ?? '', policy: session.policy, pages: problems.pages }
  const detour = askFrameForCookies(request, query, frame)
  return detour ?? beginLogin(parts, request, { client, launch, returnTo: withParameters(publicPaths.home, kept) })
}
