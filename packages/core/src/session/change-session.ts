import { FhirAuthError } from '../errors.ts'
import type { RecordStore } from '../store/record-store.ts'
import { endedSession, hasTokensOf, type LaunchRecord, type SessionRecord } from './record.ts'

/** Far more than one session can have writers at the same time. */
const MAX_TRIES = 100
/** Far more than one browser can log in while a request runs. */
const MAX_MOVES = 20

/** A session as it is stored now, and its id. The id is another one if a login has moved the launches. */
export interface FoundSession {
  readonly id: string
  readonly session: SessionRecord
}

/**
 * Finds a session even if a login has moved it to another id. Only for work that is already running in this app, never for a
 * cookie: a session id from before a login must not open the session after it.
 *
 * @throws `session_store_failed`
 */
export async function followSession(store: RecordStore<SessionRecord>, id: string): Promise<FoundSession | undefined> {
  let at = id
  for (let moves = 0; moves < MAX_MOVES; moves++) {
    const session = await store.get(at)
    if (session?.over?.movedTo === undefined) return session && { id: at, session }
    at = session.over.movedTo
  }
  return undefined
}

/**
 * Reads a session, changes it and writes it. If another writer was faster, it tries again.
 *
 * @param change - returns the session itself if there is nothing to write
 * @returns the session as it is stored now; undefined if there is none
 * @throws `session_store_failed`
 */
export async function changeSession(
  store: RecordStore<SessionRecord>,
  id: string,
  change: (session: SessionRecord) => SessionRecord,
): Promise<SessionRecord | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const session = await store.get(id)
    if (session === undefined) return undefined
    const next = change(session)
    if (next === session || (await store.replace(id, session, next))) return next
  }
  throw new FhirAuthError('session_store_failed', 'The session store refused every attempt to change a session.')
}

/**
 * Ends a session, and also the session that a login has moved its launches to. Each is replaced by a mark that it is over.
 * All writers use {@link changeSession}. So a later writer finds the mark, and what an earlier one wrote is in the result.
 *
 * @param now - the current time in milliseconds since the epoch
 * @returns the launches that the session had until now
 * @throws `session_store_failed`
 */
export async function endSession(
  store: RecordStore<SessionRecord>,
  id: string,
  now: number,
): Promise<readonly LaunchRecord[]> {
  const launches: LaunchRecord[] = []
  let at: string | undefined = id
  for (let moves = 0; at !== undefined && moves < MAX_MOVES; moves++) {
    let before: SessionRecord | undefined
    await changeSession(store, at, (session) => {
      before = session
      const isOver = session.over !== undefined && session.over.movedTo === undefined
      return isOver ? session : endedSession({ at: now, movedTo: undefined })
    })
    launches.push(...(before?.launches ?? []))
    at = before?.over?.movedTo
  }
  return launches
}

/**
 * Replaces one launch by `next`, but only if nobody has changed that launch since it was read. So two processes never undo
 * each other's work, even if both believe that they hold the lease. Follows a session that a login has moved.
 *
 * @returns the launch as it is stored now: `next`, or what somebody else has written; undefined if it is gone
 * @throws `session_store_failed`
 */
export async function replaceLaunch(
  store: RecordStore<SessionRecord>,
  id: string,
  { before, next }: { before: LaunchRecord; next: LaunchRecord },
): Promise<LaunchRecord | undefined> {
  const isIt = ({ launchId }: LaunchRecord) => launchId === before.launchId
  const write = (current: SessionRecord) => {
    if (!current.launches.some((launch) => isIt(launch) && hasTokensOf(launch, before))) return current
    const launches = Object.freeze(current.launches.map((launch) => (isIt(launch) ? next : launch)))
    return Object.freeze({ ...current, launches })
  }
  let at = id
  for (let moves = 0; moves < MAX_MOVES; moves++) {
    const session = await changeSession(store, at, write)
    if (session?.over?.movedTo !== undefined) {
      at = session.over.movedTo
      continue
    }
    const stored = session?.launches.find(isIt)
    // The tokens are equal too if an earlier try was written but its reply came too late.
    return stored && hasTokensOf(stored, next) ? next : stored
  }
  return undefined
}
