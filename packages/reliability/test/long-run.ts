import { cpus, loadavg } from 'node:os'
import { bundleWorker } from './bundle-worker.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { markdownOf, reportOf } from './load-report.ts'
import { killAgainAndAgain, leftUnfinished, pauseStore, restartStore, undisturbed } from './scenarios.ts'
import { type StoreKind, storeKinds } from './shared-store.ts'
import { startTraffic } from './traffic.ts'

export interface LongRunOptions {
  store: StoreKind['name']
  seconds: number
  sessions: number
  processes: number
  /** Part of a title. Default: all. */
  only: string
}

const scenarios: [string, (fleet: Fleet, seconds: number) => Promise<unknown>][] = [
  ['Undisturbed', undisturbed],
  ['One process killed again and again', killAgainAndAgain],
  ['Store stopped for 10 s', (fleet, seconds) => pauseStore(fleet, seconds - 10)],
  ['Store killed and restarted after 3 s', (fleet, seconds) => restartStore(fleet, seconds - 3, 3)],
  ['Store killed and restarted after 10 s', (fleet, seconds) => restartStore(fleet, seconds - 10, 10)],
]

/** Prints Markdown. */
export async function longRun({ store, seconds, sessions, processes, only }: LongRunOptions): Promise<void> {
  const kind = storeKinds[store]
  if (kind === undefined) throw new Error(`--store is one of: ${Object.keys(storeKinds).join(', ')}.`)
  const [load] = loadavg()
  console.log(
    `${processes} processes, ${sessions} sessions, ${seconds} s, tokens living 5 s. Node ${process.version}, ${kind.title} ${kind.version()}, ${cpus().length} × ${cpus()[0]?.model}, load before ${load?.toFixed(1)}.\n`,
  )
  const { script, remove } = bundleWorker()
  for (const [title, disturb] of scenarios) {
    if (!title.toLowerCase().includes(only.toLowerCase())) continue
    const fleet = await startFleet({ script, store: kind, processes })
    try {
      const traffic = await startTraffic(fleet, sessions)
      const notes = await disturb(fleet, seconds)
      const last = await traffic.end()
      const report = reportOf(fleet, traffic, last)
      console.log(markdownOf(title, report))
      if (Array.isArray(notes)) {
        const own = report.lost.filter((login) => notes.some(({ pid }) => leftUnfinished(fleet, pid, login)))
        console.log(`Killed ${notes.length} times. Lost sessions whose refresh was in flight then: ${own.length}.\n`)
      }
      if (process.env.DETAIL) console.log(JSON.stringify({ ...report, notes }, null, 1))
    } finally {
      await fleet.close()
    }
  }
  remove()
}
