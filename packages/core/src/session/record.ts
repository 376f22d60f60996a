import type { FhirUser, IdTokenClaims, LaunchContext } from '../fhir/fhir-grant.ts'

/** One launch of a browser session: its tokens and its context. Plain data that is replaced, never changed. */
export interface LaunchRecord {
  readonly launchId: string
  readonly fhirBaseUrl: string
  readonly clientId: string
  readonly tokenEndpoint: string
  readonly issuer: string | undefined
  readonly accessToken: string
  readonly refreshToken: string | undefined
  /** When the access token expires, in milliseconds since the epoch. */
  readonly expiresAt: number
  readonly lifetimeSeconds: number
  /** When the login ends, in milliseconds since the epoch. Use and refreshes do not extend it. */
  readonly endsAt: number
  readonly scope: string
  readonly patient: string | undefined
  readonly encounter: string | undefined
  readonly fhirUser: FhirUser | undefined
  readonly idToken: IdTokenClaims | undefined
  /** The id_token as it came, kept only for a logout at the server. */
  readonly idTokenHint: string | undefined
  readonly launch: LaunchContext
}

/** The session of one session cookie. */
export interface SessionRecord {
  readonly launches: readonly LaunchRecord[]
  /** When it ends if it is not used, in milliseconds since the epoch. */
  readonly expiresAt: number
  /** When the last of its launches ends, in milliseconds since the epoch. */
  readonly endsAt: number
  /** Set if it is over, so that a late writer notices. */
  readonly over?: SessionEnd | undefined
}

/** How a session ended. */
export interface SessionEnd {
  /** In milliseconds since the epoch. */
  readonly at: number
  /** The session that a login has moved its launches to; undefined after a logout. */
  readonly movedTo: string | undefined
}

/** How long the mark of an ended session is kept: longer than any refresh and most handlers take. */
const MARK_SECONDS = 3600

/** An ended launch keeps its id but not its tokens. So its tab is told to log in, and never shows another patient. */
export function endedLaunch(launch: LaunchRecord): LaunchRecord {
  return Object.freeze({ ...launch, accessToken: '', refreshToken: undefined, idTokenHint: undefined, expiresAt: 0 })
}

/** Whether a launch still has its tokens. */
export function isLive(launch: LaunchRecord): boolean {
  return launch.accessToken !== ''
}

/** The mark that replaces an ended session. */
export function endedSession(over: SessionEnd): SessionRecord {
  const expiresAt = over.at + MARK_SECONDS * 1000
  return Object.freeze({ launches: Object.freeze([]), expiresAt, endsAt: expiresAt, over: Object.freeze(over) })
}

export function hasTokensOf(one: LaunchRecord, other: LaunchRecord): boolean {
  return one.accessToken === other.accessToken && one.refreshToken === other.refreshToken
}

/** Replaces each unchanged launch of a session from the store by the known object, so that its context stays the same. */
export function keepKnownLaunches(fresh: SessionRecord, known: SessionRecord): SessionRecord {
  const launches = fresh.launches.map((launch) => known.launches.find((other) => isSame(launch, other)) ?? launch)
  return Object.freeze({ ...fresh, launches: Object.freeze(launches) })
}

function isSame(one: LaunchRecord, other: LaunchRecord): boolean {
  return one.launchId === other.launchId && hasTokensOf(one, other) && one.expiresAt === other.expiresAt
}
