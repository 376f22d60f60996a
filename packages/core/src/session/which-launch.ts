import { FhirAuthError } from '../errors.ts'
import type { AdapterRequest } from '../web/adapter-contract.ts'
import { launchIdOf } from '../web/launch-id.ts'
import type { LaunchRecord } from './record.ts'

/**
 * Finds the launch that a request belongs to: the one that it names (query or header), else the one that the page it comes
 * from names (`Referer`), else the only one. It never guesses, because two launches may be two patients.
 *
 * @throws `ambiguous_launch` if there are several and the request names none
 */
export function chooseLaunch(launches: readonly LaunchRecord[], request: AdapterRequest): LaunchRecord | undefined {
  const named = launchIdOf(request)
  if (named !== undefined) return launches.find(({ launchId }) => launchId === named)
  if (launches.length <= 1) return launches[0]
  throw new FhirAuthError(
    'ambiguous_launch',
    `This browser has ${launches.length} launches open, and the request does not say which it belongs to. Add ?launch_id=… or the header fhir-launch-id with the value of fhir.launchId.`,
  )
}
