import { FhirAuthError } from '../../errors.ts'
import type { AdapterRequest, Answer } from '../../web/adapter-contract.ts'
import { pageAnswer, redirectAnswer } from '../../web/answers.ts'
import { loginChoice } from '../../web/pages.ts'
import { beginLogin } from '../begin-login.ts'
import { readKeptParameters, withParameters } from '../kept-parameters.ts'
import { failedLogin, type LaunchParts, namedServer } from '../launch-parts.ts'
import { checkedReturnTo, keepableAddress } from '../return-to.ts'

/** A person logs in at the app (SMART App Launch 2.2 "Launch App: Standalone Launch"). */
export async function answerLogin(
  parts: LaunchParts,
  request: AdapterRequest,
  query: URLSearchParams,
): Promise<Answer> {
  const { publicPaths, keepParameters } = parts.settings
  const page = checkedReturnTo(keepableAddress(query.get('returnTo'), parts.emit), publicPaths.home)
  const returnTo = withParameters(page, readKeptParameters(query, keepParameters))
  // The library's own redirects have `returnTo`, and are counted. A link without it, or a page with an error, ends the count.
  const isCounted = parts.loopGuard.countIn(request.header('cookie')) > 0
  const fresh = isCounted ? [parts.loopGuard.end()] : []
  try {
    if (query.has('returnTo')) parts.loopGuard.check(request.header('cookie'))
    const answer = await logIn(parts, request, { iss: query.get('iss'), returnTo })
    return query.has('returnTo') ? answer : { ...answer, cookies: [...answer.cookies, ...fresh] }
  } catch (error) {
    return failedLogin(parts, request, { error, returnTo, cookies: fresh, fhirBaseUrl: namedServer(parts, query) })
  }
}

interface WantedLogin {
  /** The server that the request names; null if it names none. */
  readonly iss: string | null
  readonly returnTo: string
}

async function logIn(parts: LaunchParts, request: AdapterRequest, { iss, returnTo }: WantedLogin): Promise<Answer> {
  const renewal = iss === null ? await parts.sessions.renew?.(request, returnTo) : undefined
  if (renewal === undefined) return logInAnew(parts, request, { iss, returnTo })
  const { isRenewed, cookies, hookFailure } = renewal
  if (hookFailure !== undefined) return failedLogin(parts, request, { error: hookFailure, cookies, returnTo })
  if (isRenewed) return redirectAnswer(returnTo, cookies)
  const answer = await logInAnew(parts, request, { iss, returnTo })
  return { ...answer, cookies: [...cookies, ...answer.cookies] }
}

async function logInAnew(parts: LaunchParts, request: AdapterRequest, { iss, returnTo }: WantedLogin): Promise<Answer> {
  const { clients, publicPaths, problems } = parts.settings
  const [only, ...others] = clients.listed
  if (iss === null && only && others.length > 0) {
    const paths = { loginPath: publicPaths.login ?? '', returnTo }
    return pageAnswer(loginChoice(clients.listed, paths, problems.pages))
  }
  const client = iss === null ? only : await parts.flow.clientAt(iss)
  if (client) return beginLogin(parts, request, { client, launch: undefined, returnTo })
  const message = `Say which server to log in at: ${publicPaths.login}?iss=<FHIR base URL>.`
  throw new FhirAuthError('unknown_issuer', message, { status: 400 })
}
