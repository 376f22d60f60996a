import { execFileSync } from 'node:child_process'
import { cpus } from 'node:os'
import { bundleWorker } from './bundle-worker.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { markdownOf, reportOf } from './load-report.ts'
import { killAgainAndAgain, leftUnfinished, pauseRedis, restartRedis, undisturbed } from './scenarios.ts'
import { startTraffic } from './traffic.ts'

export interface LongRunOptions {
  seconds: number
  sessions: number
  processes: number
  /** Part of a title. Default: all. */
  only: string
}

const scenarios: [string, (fleet: Fleet, seconds: number) => Promise<unknown>][] = [
  ['Undisturbed', undisturbed],
  ['One process killed again and again', killAgainAndAgain],
  ['Redis stopped for 10 s', (fleet, seconds) => pauseRedis(fleet, seconds - 10)],
  ['Redis killed and restarted after 3 s', (fleet, seconds) => restartRedis(fleet, seconds - 3, 3)],
  ['Redis killed and restarted after 10 s', (fleet, seconds) => restartRedis(fleet, seconds - 10, 10)],
]

/** Prints Markdown. */
export async function longRun({ seconds, sessions, processes, only }: LongRunOptions): Promise<void> {
  const redis = execFileSync(process.env.REDIS_SERVER ?? 'redis-server', ['--version'])
    .toString()
    .split(' ')[2]
  console.log(
    `${processes} processes, ${sessions} sessions, ${seconds} s, tokens living 5 s. Node ${process.version}, Redis ${redis}, ${cpus().length} × ${cpus()[0]?.model}.\n`,
  )
  const { script, remove } = bundleWorker()
  for (const [title, disturb] of scenarios) {
    if (!title.toLowerCase().includes(only.toLowerCase())) continue
    const fleet = await startFleet({ script, processes })
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
