import type { AdapterRequest } from './adapter-contract.ts'
import { withParameter } from './with-parameter.ts'

/** Names the launch that a request belongs to, in a query; `fhir-launch-id` does so in a header. It is no credential. */
const LAUNCH_ID_PARAMETER = 'launch_id'
const LAUNCH_ID_HEADER = 'fhir-launch-id'

/** The launch that a request names, in its query, its header, or the address of the page it comes from. */
export function launchIdOf(request: AdapterRequest): string | undefined {
  return launchIdIn(request.url) ?? request.header(LAUNCH_ID_HEADER) ?? launchIdOfReferer(request)
}

/** Whether a path names a launch, perhaps one that has ended. */
export function namesLaunch(path: string): boolean {
  return launchIdIn(path) !== undefined
}

/**
 * Adds the launch id, `fhir.launchId`, to a path of the app, so that the page there belongs to the same launch; without
 * one the path stays as it is. It takes the place of an older one: a page whose launch has ended sends the person to log
 * in, and must not find itself again.
 */
export function withLaunchId(path: string, launchId: string | undefined): string {
  return launchId === undefined ? path : withParameter(path, LAUNCH_ID_PARAMETER, launchId)
}

/**
 * Where to send a page that was reached by a plain link, and so belongs to the launch of the page before it: to its own
 * address with the launch id, or the next link would not know where it comes from. Relative, for a proxy may have cut
 * off a prefix.
 *
 * @returns undefined when the address is good as it is
 */
export function addressWithLaunch(request: AdapterRequest): string | undefined {
  const launchId = launchIdOfReferer(request)
  if (launchId === undefined || namesLaunch(request.url)) return undefined
  const path = withLaunchId(request.url, launchId)
  return path.slice(path.indexOf('?'))
}

/** Another site's page says nothing about our launches, even where it sends its whole address. */
function launchIdOfReferer(request: AdapterRequest): string | undefined {
  const launchId = launchIdIn(request.header('referer'))
  if (launchId === undefined) return undefined
  const site = request.header('sec-fetch-site')
  return site === undefined || site === 'same-origin' ? launchId : undefined
}

function launchIdIn(url: string | undefined): string | undefined {
  // Nearly no request names one: look before parsing.
  if (url === undefined || !url.includes(LAUNCH_ID_PARAMETER)) return undefined
  const query = url.slice(url.indexOf('?') + 1).split('#', 1)[0]
  return new URLSearchParams(query).get(LAUNCH_ID_PARAMETER) ?? undefined
}
