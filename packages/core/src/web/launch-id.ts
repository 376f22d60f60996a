import type { AdapterRequest } from './adapter-contract.ts'
import { withoutParameter, withParameter } from './with-parameter.ts'

/** The query parameter and the header that name the launch of a request. The id is not a credential. */
const LAUNCH_ID_PARAMETER = 'launch_id'
const LAUNCH_ID_HEADER = 'fhir-launch-id'

/** The launch that a request names: in its query, its header, or the address of the page it comes from. */
export function launchIdOf(request: AdapterRequest): string | undefined {
  return launchIdIn(request.url) ?? request.header(LAUNCH_ID_HEADER) ?? launchIdOfReferer(request)
}

/** Whether a path names a launch, even one that has ended. */
export function namesLaunch(path: string): boolean {
  return launchIdIn(path) !== undefined
}

/**
 * Adds the launch id, `fhir.launchId`, to a path of the app, so that the page there belongs to the same launch. Without an
 * id the path stays as it is. An older id in the path is replaced: with the id of a launch that has ended, the page would
 * send the person to the login again.
 */
export function withLaunchId(path: string, launchId: string | undefined): string {
  return launchId === undefined ? path : withParameter(path, LAUNCH_ID_PARAMETER, launchId)
}

/** A path of the app without the launch that it names. */
export function withoutLaunchId(path: string): string {
  return namesLaunch(path) ? withoutParameter(path, LAUNCH_ID_PARAMETER) : path
}

/**
 * The address with launch id for a page that was reached by a plain link. Such a page belongs to the launch of its referrer.
 * Without the id in its own address, its links would lose the launch. The result is relative, because a proxy may have cut
 * off a prefix.
 *
 * @returns undefined if the address needs no change
 */
export function addressWithLaunch(request: AdapterRequest): string | undefined {
  const launchId = launchIdOfReferer(request)
  if (launchId === undefined || namesLaunch(request.url)) return undefined
  const path = withLaunchId(request.url, launchId)
  return path.slice(path.indexOf('?'))
}

/** Only pages of the app count: another site's page could name any launch. */
function launchIdOfReferer(request: AdapterRequest): string | undefined {
  const launchId = launchIdIn(request.header('referer'))
  if (launchId === undefined) return undefined
  const site = request.header('sec-fetch-site')
  return site === undefined || site === 'same-origin' ? launchId : undefined
}

function launchIdIn(url: string | undefined): string | undefined {
  // Parsing is slow, and almost no request names a launch.
  if (url === undefined || !url.includes(LAUNCH_ID_PARAMETER)) return undefined
  const query = url.slice(url.indexOf('?') + 1).split('#', 1)[0]
  return new URLSearchParams(query).get(LAUNCH_ID_PARAMETER) ?? undefined
}
