import { FhirAuthError } from '../errors.ts'
import type { RecordStore } from '../store/record-store.ts'
import { changeSession } from './change-session.ts'
import { type JoinedLaunches, joinLaunches } from './join-launches.ts'
import { endedSession, type LaunchRecord, type SessionRecord } from './record.ts'

/** From one session of a browser to the next, which a login has opened. */
export interface Move {
  /** The session id that the browser came with. */
  readonly from: string
  /** The session that the login has opened, and that no browser knows yet. */
  readonly to: string
  /** The launch of that login. */
  readonly launch: LaunchRecord
  /** When the person began to log in, in milliseconds since the epoch. */
  readonly startedAt: number
  /** The present, likewise. */
  readonly now: number
  /** A session of these launches. */
  readonly sessionOf: (launches: readonly LaunchRecord[]) => SessionRecord
}

/** Far more than there can be writers of one session at once. */
const MAX_TRIES = 100

/**
 * Moves the launches of the session before into the new one. The old session ends with a mark that leads to the new one: a
 * refresh that ends later finds its launch there, and a logout ends both. Where another writer comes between, all of it is
 * done again.
 *
 * @throws `session_ended` when the person has logged out since the login began, `session_store_failed`
 */
export async function moveLaunches(store: RecordStore<SessionRecord>, move: Move): Promise<JoinedLaunches> {
  const { from, to, launch, startedAt, now, sessionOf } = move
  // As it is stored: the app's hook may have renewed it.
  const own = ({ launches }: SessionRecord) => launches.find(({ launchId }) => launchId === launch.launchId) ?? launch
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await store.get(from)
    if (before === undefined) return joinLaunches([], launch, now)
    if (before.over !== undefined) {
      const isLoggedOut = before.over.movedTo === undefined && before.over.at >= startedAt
      // Another login has moved it: that one goes on by itself. Its cookie is not this one's, and is not followed.
      if (!isLoggedOut) return joinLaunches([], launch, now)
      throw new FhirAuthError('session_ended', 'You have logged out while this login was under way. Log in again.')
    }
    const joined = joinLaunches(before.launches, launch, now)
    const session = await changeSession(store, to, (opened) => sessionOf(copiesOf(joined.launches, own(opened))))
    if (session === undefined || session.over !== undefined) {
      throw new FhirAuthError('session_store_failed', 'The store has lost a new session. Log in again.')
    }
    if (await store.replace(from, before, endedSession({ at: now, movedTo: to }))) return joined
  }
  throw new FhirAuthError('session_store_failed', 'The session store refused to move a session, again and again.')
}

/** Copies, since the context of a record asks for its tokens under one session id. */
function copiesOf(launches: readonly LaunchRecord[], own: LaunchRecord): readonly LaunchRecord[] {
  return launches.map((launch) => (launch.launchId === own.launchId ? own : Object.freeze({ ...launch })))
}
