import type { SessionRecord } from '../../src/session/record.ts'
import { createSealer } from '../../src/store/sealing.ts'
import type { MapStore } from './map-store.ts'
import type { PortalWorld } from './portal-world.ts'

/** What a shared store holds, opened with the portal's secret. */
export async function openedSessions(portal: PortalWorld, store: MapStore): Promise<SessionRecord[]> {
  const sealer = createSealer([portal.options.session.secret].flat() as string[], 'session')
  const opened = await Promise.all([...store.values.values()].map(sealer.open))
  return opened.filter((content) => content !== undefined).map(({ record }) => record as SessionRecord)
}
