import { FhirAuthError } from '../errors.ts'
import type { RecordStore } from '../store/record-store.ts'
import { changeSession } from './change-session.ts'
import { type JoinedLaunches, joinLaunches } from './join-launches.ts'
import { endedSession, type LaunchRecord, type SessionRecord } from './record.ts'

/** A move from a browser's old session to the new one of its login. */
export interface Move {
  /** The session id that the browser sent. */
  readonly from: string
  /** The new session id, which the browser does not have yet. */
  readonly to: string
  /** The launch of the login. */
  readonly launch: LaunchRecord
  /** When the login began, in milliseconds since the epoch. */
  readonly startedAt: number
  /** The current time in milliseconds since the epoch. */
  readonly now: number
  /** Makes a session of these launches. */
  readonly sessionOf: (launches: readonly LaunchRecord[]) => SessionRecord
}

/** Far more than one session can have writers at the same time. */
const MAX_TRIES = 100

/**
 * Moves the launches of the old session into the new one. The old session is replaced by a mark with the new id. So a refresh
 * that ends later finds its launch in the new session, and a logout ends both. If another writer was faster, everything is
 * done again.
 *
 * @throws `session_ended` if the person has logged out since the login began, `session_store_failed`
 */
export async function moveLaunches(store: RecordStore<SessionRecord>, move: Move): Promise<JoinedLaunches> {
  const { from, to, launch, startedAt, now, sessionOf } = move
  // The stored one, because the app's hook may have renewed its token.
  const own = ({ launches }: SessionRecord) => launches.find(({ launchId }) => launchId === launch.launchId) ?? launch
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await store.get(from)
    if (before === undefined) return joinLaunches([], launch, now)
    if (before.over !== undefined) {
      const isLoggedOut = before.over.movedTo === undefined && before.over.at >= startedAt
      // Another login has moved the launches to a session of its own. This browser's old id must not open that session.
      if (!isLoggedOut) return joinLaunches([], launch, now)
      throw new FhirAuthError('session_ended', 'You logged out during this login. Log in again.')
    }
    const joined = joinLaunches(before.launches, launch, now)
    const session = await changeSession(store, to, (opened) => sessionOf(copiesOf(joined.launches, own(opened))))
    if (session === undefined || session.over !== undefined) {
      throw new FhirAuthError('session_store_failed', 'The session store has lost a new session. Log in again.')
    }
    if (await store.replace(from, before, endedSession({ at: now, movedTo: to }))) return joined
  }
  throw new FhirAuthError('session_store_failed', 'The session store refused every attempt to move a session.')
}

/** Copies, because the context of a record gets its tokens under one session id. */
function copiesOf(launches: readonly LaunchRecord[], own: LaunchRecord): readonly LaunchRecord[] {
  return launches.map((launch) => (launch.launchId === own.launchId ? own : Object.freeze({ ...launch })))
}
