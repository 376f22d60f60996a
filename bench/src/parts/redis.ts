import { number, ratio, spread, table } from '../support/markdown.ts'
import { runPinned } from '../support/pinned-process.ts'
import { redisCommand, startRedis } from '../support/redis-process.ts'
import type { Part } from '../support/report.ts'
import { ratioOf, spreadOf, verdictOf } from '../support/statistics.ts'

type Times = Record<'bare' | 'ours', number[]>
interface Found {
  readonly many: Times
  readonly alone: Times
  readonly roundTrips: number
  readonly isSeenAtOnce: boolean
  readonly plainLength: number
  readonly sealedLength: number
}

export const redis: Part = {
  title: 'Sessions in Redis',
  async measure({ rounds }) {
    const command = redisCommand()
    if (command === undefined) {
      return { goals: [], body: 'Not measured: there is neither `valkey-server` nor `redis-server` on this machine.' }
    }
    const server = await startRedis(command)
    const measure = (timeLimit: 'with' | 'without') =>
      runPinned<Found>('probes/redis.js', [String(server.port), String(rounds * 6), timeLimit])
    const { many, alone, roundTrips, isSeenAtOnce, plainLength, sealedLength } = await measure('with')
    const faster = await measure('without')
    server.process.kill()
    const throughput = ratioOf(many.bare, many.ours)
    const row = (title: string, { bare, ours }: Times) => [
      title,
      ...[bare, ours].map((values) => spread(spreadOf(values.map((value) => value / 1000)))),
      ratio(ratioOf(bare, ours)),
    ]
    return {
      goals: [
        {
          what: 'Redis: round trips of a request with a session',
          goal: 'at most 1',
          found: String(roundTrips),
          verdict: roundTrips <= 1 ? 'met' : 'missed',
        },
        {
          what: 'Redis: throughput against a bare GET and JSON.parse, 64 in flight',
          goal: '>= 0.9',
          found: ratio(throughput),
          verdict: verdictOf(throughput, { atLeast: 0.9 }),
        },
        {
          what: 'Redis: a logout elsewhere is seen',
          goal: 'within a stated bound',
          found: isSeenAtOnce ? 'at the next request; within 60 s while Redis is away' : 'not seen',
          verdict: isSeenAtOnce ? 'met' : 'missed',
        },
      ],
      body: [
        table(
          ['one request, µs', 'bare GET + JSON.parse', 'fhir-auth: cookie to context', 'throughput against bare'],
          [
            row('64 in flight', many),
            row('1 in flight', alone),
            row('64 in flight, the client without a time limit of its own', faster.many),
            row('1 in flight, the same', faster.alone),
          ],
        ),
        `The bare GET brings the same session as it is, ${number(plainLength)} bytes instead of ${number(sealedLength)}. An ` +
          'unchanged session is not unsealed again: what Redis answers is compared with what was opened before. redis 6 makes ' +
          'an AbortSignal for each command unless it is made with `createClient({ commandOptions: { timeout: 0 } })`, which ' +
          "leaves the time limit to the session's own `storeTimeoutSeconds`.",
      ].join('\n\n'),
    }
  },
}
