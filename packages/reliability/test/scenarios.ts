import { setTimeout as sleep } from 'node:timers/promises'
import type { Fleet } from './fleet.ts'

export interface KillRecord {
  readonly pid: number
  readonly at: number
}

/** Nothing goes wrong. */
export async function undisturbed(_fleet: Fleet, seconds: number): Promise<void> {
  await sleep(seconds * 1000)
}

/**
 * Kills the last process again and again, every second time at a moment in which one of its refreshes is at the
 * authorization server, and starts it again.
 */
export async function killAgainAndAgain(fleet: Fleet, seconds: number): Promise<KillRecord[]> {
  const victim = fleet.processes.at(-1)
  if (!victim) throw new Error('There is no process.')
  const kills: KillRecord[] = []
  const end = Date.now() + seconds * 1000
  // A late answer makes the moment long enough to be hit.
  fleet.ledger.delayAnswers(0.15)
  // On a slow machine one restart may take all of the time.
  for (let round = 0; Date.now() < end || kills.length < 2; round++) {
    await sleep(500 + Math.random() * 500)
    if (round % 2 === 0) await untilRefreshBy(fleet, victim.pid, end)
    const { pid } = victim
    if (pid === undefined) continue
    const at = Date.now()
    await victim.kill()
    kills.push({ pid, at })
    await victim.start()
  }
  fleet.ledger.delayAnswers(0)
  return kills
}

/** The store stands still, its connections open. */
export async function pauseStore(fleet: Fleet, seconds: number, stillSeconds = 10): Promise<void> {
  await sleep(seconds * 400)
  await whileRefreshesAreUnderWay(fleet)
  fleet.store.pause()
  await sleep(stillSeconds * 1000)
  fleet.store.resume()
  await sleep(seconds * 600)
}

/** The store is killed, stays away, and starts again with what it has written. */
export async function restartStore(fleet: Fleet, seconds: number, awaySeconds = 3): Promise<void> {
  await sleep(seconds * 400)
  await whileRefreshesAreUnderWay(fleet)
  await fleet.store.kill()
  await sleep(awaySeconds * 1000)
  await fleet.store.restart()
  await sleep(seconds * 600)
}

/** Returns at a moment in which several processes wait for answers to their refreshes. */
async function whileRefreshesAreUnderWay(fleet: Fleet): Promise<void> {
  fleet.ledger.delayAnswers(0.5)
  const seen = fleet.ledger.refreshRequests().length
  for (let tries = 0; tries < 300 && fleet.ledger.refreshRequests().length < seen + 3; tries++) await sleep(10)
  fleet.ledger.delayAnswers(0)
}

async function untilRefreshBy(fleet: Fleet, pid: number | undefined, end: number): Promise<void> {
  const seen = fleet.ledger.refreshRequests().length
  while (Date.now() < end) {
    const fresh = fleet.ledger.refreshRequests().slice(seen)
    if (fresh.some(({ headers }) => headers['x-process'] === String(pid))) return
    await sleep(10)
  }
}

/**
 * Whether a process has begun a refresh of this login and never told how it ended. What has not reached the server was
 * not begun; what was stored and not yet told counts as unfinished, which is the strict side.
 */
export function leftUnfinished(
  fleet: Fleet,
  pid: number,
  login: { name: string; launchId: string | undefined },
): boolean {
  const begun = fleet.ledger
    .refreshRequests()
    .filter((request) => request.headers['x-process'] === String(pid) && fleet.ledger.sessionOf(request) === login.name)
  const ended = fleet.events.filter(
    ({ pid: teller, event, launchId }) => teller === pid && launchId === login.launchId && ENDS.has(event),
  )
  return begun.length > ended.length
}

const ENDS: ReadonlySet<string> = new Set(['refresh', 'refresh_failed', 'launch_ended'])
