import { FhirAuthError } from '../errors.ts'
import type { RecordStore } from '../store/store.ts'
import type { LaunchRecord, SessionRecord } from './record.ts'

/** Far more than there can be writers of one session at once. */
const MAX_TRIES = 100

/**
 * Reads a session, changes it and writes it, again where another writer came between.
 *
 * @param change - gives back the session itself where nothing is to be written
 * @returns the session as it is stored now; undefined when it is gone
 * @throws `session_store_failed`
 */
export async function changeSession(
  store: RecordStore,
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
 * Puts `next` in the place of one launch, as long as nobody has written that launch since it was read: two processes that
 * have both lost sight of the lock never undo each other's work.
 *
 * @returns the launch as it is stored now: `next`, or what was there already; undefined when it is gone
 */
export async function replaceLaunch(
  store: RecordStore,
  id: string,
  before: LaunchRecord,
  next: LaunchRecord,
): Promise<LaunchRecord | undefined> {
  const isIt = ({ launchId }: LaunchRecord) => launchId === before.launchId
  const session = await changeSession(store, id, (current) => {
    if (!current.launches.some((launch) => isIt(launch) && hasTokensOf(launch, before))) return current
    const launches = Object.freeze(current.launches.map((launch) => (isIt(launch) ? next : launch)))
    return Object.freeze({ ...current, launches })
  })
  const stored = session?.launches.find(isIt)
  // Also where an earlier try was carried out, though its answer came too late.
  return stored && hasTokensOf(stored, next) ? next : stored
}

function hasTokensOf(one: LaunchRecord, other: LaunchRecord): boolean {
  return one.accessToken === other.accessToken && one.refreshToken === other.refreshToken
}
