import { type CookiePolicy, clearCookie, cookieName, readCookie, setCookie } from '../session/cookie-header.ts'
import type { AdapterRequest, Answer } from '../web/adapter-contract.ts'
import { pageAnswer, redirectAnswer } from '../web/answers.ts'
import { framedBy } from '../web/frame-ancestors.ts'
import { newTabPage } from '../web/pages.ts'
import type { PageOptions } from '../web/problem-page.ts'

const CHECK_PARAMETER = 'cookie_check'
const CHECK_SECONDS = 60

interface FrameCheckSettings {
  readonly launchPath: string
  readonly policy: CookiePolicy
  readonly pages: PageOptions
}

/**
 * In an EHR's frame a browser may block the app's cookies, and the login would fail. So a launch in a frame first redirects to
 * itself with a test cookie. If the cookie does not come back, the person gets a link that opens the app in a new tab. The
 * `launch` value works only once, and has not been used at that point.
 *
 * @returns the redirect or the page; undefined if the launch can continue
 */
export function askFrameForCookies(
  request: AdapterRequest,
  query: URLSearchParams,
  { launchPath, policy, pages }: FrameCheckSettings,
): Answer | undefined {
  const place = request.header('sec-fetch-dest')
  if (place !== 'iframe' && place !== 'frame') return undefined
  const name = cookieName('fhir-auth.frame', policy)
  const cookie = request.header('cookie')
  if (cookie !== undefined && readCookie(cookie, name) === '1') return undefined
  const launchUrl = (checked: boolean) => {
    const parameters = new URLSearchParams(query)
    parameters.delete(CHECK_PARAMETER)
    if (checked) parameters.set(CHECK_PARAMETER, '1')
    return `${launchPath}?${parameters}`
  }
  if (!query.has(CHECK_PARAMETER)) return redirectAnswer(launchUrl(true), [setCookie(name, '1', CHECK_SECONDS, policy)])
  // Any site may frame this page: it shows no data, and its link does what any link to the launch does.
  return framedBy('*', pageAnswer(newTabPage(launchUrl(false), pages), 200, [clearCookie(name, policy)]))
}
