import type { FhirUser, IdTokenClaims, LaunchContext } from '../fhir/fhir-grant.ts'

/** One launch of a browser session: its tokens and what they stand for. Plain data, never changed, only replaced. */
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
  /** When the login ends, however much it is used, in milliseconds since the epoch. Nothing moves it. */
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

/** What one session cookie stands for. */
export interface SessionRecord {
  readonly launches: readonly LaunchRecord[]
  /** When it ends unless it is used, in milliseconds since the epoch. */
  readonly expiresAt: number
  /** When the last of its launches ends. */
  readonly endsAt: number
  /** Set when it is over: whoever comes too late to write into it finds this. */
  readonly over?: SessionEnd | undefined
}

/** How a session ended. */
export interface SessionEnd {
  /** In milliseconds since the epoch. */
  readonly at: number
  /** The session that its launches went to, at another login; undefined after a logout. */
  readonly movedTo: string | undefined
}

/** How long the mark of a session that is over is kept: longer than any refresh, and than most handlers, take. */
const MARK_SECONDS = 3600

/** A launch that is over: a name without tokens, so that its tab is told so and never gets another launch's patient. */
export function endedLaunch(launch: LaunchRecord): LaunchRecord {
  return Object.freeze({ ...launch, accessToken: '', refreshToken: undefined, idTokenHint: undefined, expiresAt: 0 })
}

/** Whether a launch still has its tokens. */
export function isLive(launch: LaunchRecord): boolean {
  return launch.accessToken !== ''
}

/** The mark that a session leaves. */
export function endedSession(over: SessionEnd): SessionRecord {
  const expiresAt = over.at + MARK_SECONDS * 1000
  return Object.freeze({ launches: Object.freeze([]), expiresAt, endsAt: expiresAt, over: Object.freeze(over) })
}

export function hasTokensOf(one: LaunchRecord, other: LaunchRecord): boolean {
  return one.accessToken === other.accessToken && one.refreshToken === other.refreshToken
}

/** A session read from a store, with each launch that did not change as this process knows it: its context stays the same. */
export function keepKnownLaunches(fresh: SessionRecord, known: SessionRecord): SessionRecord {
  const launches = fresh.launches.map((launch) => known.launches.find((other) => isSame(launch, other)) ?? launch)
  return Object.freeze({ ...fresh, launches: Object.freeze(launches) })
}

function isSame(one: LaunchRecord, other: LaunchRecord): boolean {
  return one.launchId === other.launchId && hasTokensOf(one, other) && one.expiresAt === other.expiresAt
}
