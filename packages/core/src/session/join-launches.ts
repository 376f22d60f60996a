import { sameBase } from '../client/client-directory.ts'
import { endedLaunch, isLive, type LaunchRecord } from './record.ts'

/** How many launches a browser session keeps. Beyond that, the oldest is dropped. */
export const MAX_LAUNCHES = 10

/** The launches of a browser after a login, and those that the login has ended. */
export interface JoinedLaunches {
  /** Oldest first, the new one last. */
  readonly launches: readonly LaunchRecord[]
  readonly ended: readonly LaunchRecord[]
}

/**
 * Adds a launch to those of a browser. It replaces a launch for the same patient and encounter. It ends the launches of
 * another person at the same server: their tabs must not continue with somebody else's rights. The id of an ended launch is
 * kept, so that its tab never shows another patient.
 *
 * @param now - the current time in milliseconds since the epoch
 */
export function joinLaunches(before: readonly LaunchRecord[], added: LaunchRecord, now: number): JoinedLaunches {
  const ended: LaunchRecord[] = []
  const kept = before
    .filter((launch) => !isRepeatedBy(launch, added))
    .map((launch) => {
      if (isLive(launch) && launch.endsAt > now && !isOfOtherPerson(launch, added)) return launch
      if (isLive(launch)) ended.push(launch)
      return endedLaunch(launch)
    })
  const launches = [...kept, added]
  const dropped = launches.slice(0, -MAX_LAUNCHES)
  ended.push(...dropped.filter(isLive))
  return { launches: launches.slice(-MAX_LAUNCHES), ended }
}

function isRepeatedBy(launch: LaunchRecord, added: LaunchRecord): boolean {
  return (
    sameBase(launch.fhirBaseUrl, added.fhirBaseUrl) &&
    launch.patient === added.patient &&
    launch.encounter === added.encounter &&
    launch.idToken?.sub === added.idToken?.sub
  )
}

/** `iss` and `sub` together identify a person (OpenID Connect Core §5.7). Without an id_token the person is unknown. */
function isOfOtherPerson({ fhirBaseUrl, idToken }: LaunchRecord, added: LaunchRecord): boolean {
  if (!sameBase(fhirBaseUrl, added.fhirBaseUrl) || idToken === undefined || added.idToken === undefined) return false
  return idToken.iss !== added.idToken.iss || idToken.sub !== added.idToken.sub
}
