import type { Observed, Outcome } from './browser-session.ts'
import type { Fleet } from './fleet.ts'
import type { LostSession, Traffic } from './traffic.ts'

/** What a run has shown, in counts. */
export interface LoadReport {
  readonly requests: Record<Outcome, number>
  /** Requests whose process was killed under them, and which another one answered. */
  readonly cutOff: number
  readonly serverErrors: number
  readonly slowestSeconds: number
  /** Of those that were answered 503. */
  readonly slowestUnavailableSeconds: number
  readonly logins: number
  /** Refresh grants that the authorization server got. */
  readonly refreshGrants: number
  /** Tokens that were renewed, and how many of them by exactly one grant. */
  readonly renewals: number
  readonly renewedOnce: number
  /** The fewest and the most renewals of one login. */
  readonly renewalsPerLogin: readonly [number, number]
  readonly reuseDetections: number
  readonly lost: readonly LostSession[]
  /** Sessions that answered once more when all was over. */
  readonly there: number
  readonly failures: readonly string[]
  readonly events: Record<string, number>
}

export function reportOf(fleet: Fleet, traffic: Traffic, last: readonly Observed[]): LoadReport {
  const all = [...traffic.observed, ...last]
  const count = (outcome: Outcome) => all.filter((one) => one.outcome === outcome).length
  const ledgers = [...fleet.ledger.bySession().values()]
  const renewals = ledgers.map(({ issues }) => issues - 1)
  const grants = ledgers.flatMap(({ grantsPerPeriod }) => grantsPerPeriod.filter((number) => number > 0))
  const events: Record<string, number> = {}
  for (const { event } of fleet.events) events[event] = (events[event] ?? 0) + 1
  return {
    requests: {
      served: count('served'),
      unavailable: count('unavailable'),
      login: count('login'),
      failed: count('failed'),
    },
    cutOff: all.reduce((sum, one) => sum + one.cutOff, 0),
    serverErrors: all.filter(({ status }) => status >= 500).length,
    slowestSeconds: slowestOf(all),
    slowestUnavailableSeconds: slowestOf(all.filter(({ outcome }) => outcome === 'unavailable')),
    logins: ledgers.length,
    refreshGrants: fleet.ledger.refreshRequests().length,
    renewals: grants.length,
    renewedOnce: grants.filter((number) => number === 1).length,
    renewalsPerLogin: [Math.min(...renewals), Math.max(...renewals)],
    reuseDetections: fleet.sandbox.refreshReuseDetections,
    lost: traffic.lost,
    there: last.filter(({ outcome }) => outcome === 'served').length,
    failures: all.filter(({ outcome }) => outcome === 'failed').map(({ detail }) => detail),
    events,
  }
}

function slowestOf(requests: readonly Observed[]): number {
  return requests.reduce((most, { seconds }) => Math.max(most, seconds), 0)
}

export function markdownOf(title: string, report: LoadReport): string {
  const { requests, lost } = report
  const rows: [string, number | string][] = [
    ['requests served', requests.served],
    ['requests answered 503 with Retry-After', requests.unavailable],
    ['requests answered with a login', requests.login],
    ['requests answered otherwise', requests.failed],
    ['requests cut off by a killed process, answered by another', report.cutOff],
    ['slowest request', `${report.slowestSeconds.toFixed(1)} s`],
    ['slowest of those answered 503', `${report.slowestUnavailableSeconds.toFixed(1)} s`],
    ['logins', report.logins],
    ['refresh grants at the authorization server', report.refreshGrants],
    ['tokens renewed', report.renewals],
    ['of these by exactly one grant', report.renewedOnce],
    ['renewals per login, fewest to most', report.renewalsPerLogin.join(' to ')],
    ['reuse detections', report.reuseDetections],
    ['sessions lost', lost.length],
    ['of these sent to the login', lost.filter(({ isClean }) => isClean).length],
    ['sessions there at the end', report.there],
  ]
  const table = rows.map(([what, value]) => `| ${what} | ${value} |`)
  return [`### ${title}`, '', '| | |', '|---|---:|', ...table, ''].join('\n')
}
