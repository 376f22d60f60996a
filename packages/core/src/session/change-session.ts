import { FhirAuthError } from '../errors.ts'
import type { RecordStore } from '../store/record-store.ts'
import { endedSession, hasTokensOf, type LaunchRecord, type SessionRecord } from './record.ts'

/** Far more than there can be writers of one session at once. */
const MAX_TRIES = 100
/** Far more than the logins of one browser while a request is under way. */
const MAX_MOVES = 20

/** A session as it is stored now, and its id: another one, where a login has moved its launches. */
export interface FoundSession {
  readonly id: string
  readonly session: SessionRecord
}

/**
 * Finds a session wherever a login has moved it. For work that is under way in this app: a cookie is never followed, since
 * a session id that a browser had before its login must not open what came after it.
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
 * Reads a session, changes it and writes it, again where another writer came between.
 *
 * @param change - gives back the session itself where nothing is to be written
 * @returns the session as it is stored now; undefined when there is none
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
  throw new FhirAuthError('session_store_failed', 'The session store refused to swap a session, again and again.')
}

/**
 * Ends a session, and the one that a login has moved its launches to. Each leaves a mark. Whatever is written into a session
 * goes through {@link changeSession}, so a writer who comes later meets the mark, and what one wrote before is in what this
 * returns.
 *
 * @param now - the present, in milliseconds since the epoch
 * @returns the launches that were there just before the end
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
 * Puts `next` in the place of one launch, as long as nobody has written that launch since it was read: two processes that
 * have both lost sight of the lease never undo each other's work. Follows a session that a login has moved.
 *
 * @returns the launch as it is stored now: `next`, or what was there already; undefined when it is gone
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
    // Also where an earlier try was carried out, though its answer came too late.
    return stored && hasTokensOf(stored, next) ? next : stored
  }
  return undefined
}
