import { number, ratio, spread, table } from '../support/markdown.ts'
import { runPinned } from '../support/pinned-process.ts'
import { postgresPrograms, startPostgres } from '../support/postgres-process.ts'
import { redisCommand, startRedis } from '../support/redis-process.ts'
import type { Part } from '../support/report.ts'
import { ratioOf, spreadOf, verdictOf } from '../support/statistics.ts'

type Times<Name extends string> = Record<Name, number[]>
type Reads = Times<'bare' | 'peer' | 'ours' | 'redis'>
interface Found {
  readonly many: Reads
  readonly alone: Reads
  readonly writing: Times<'peer' | 'set' | 'swap'>
  readonly roundTrips: number
  readonly isSeenAtOnce: boolean
  readonly plainLength: number
  readonly sealedLength: number
}

const PEER = 'connect-pg-simple'

export const postgres: Part = {
  title: 'Sessions in PostgreSQL',
  async measure({ rounds }) {
    const programs = postgresPrograms()
    if (programs === undefined) {
      return { goals: [], body: 'Not measured: there is no PostgreSQL on this machine.' }
    }
    const server = await startPostgres(programs)
    const command = redisCommand()
    const redis = command === undefined ? undefined : await startRedis(command)
    const args = [server.url, String(rounds * 6), redis === undefined ? '' : String(redis.port)]
    const { many, alone, writing, roundTrips, isSeenAtOnce, plainLength, sealedLength } = await runPinned<Found>(
      'probes/postgres.js',
      args,
    )
    server.process.kill('SIGQUIT')
    redis?.process.kill()
    const cell = (values: readonly number[]) => spread(spreadOf(values.map((value) => value / 1000)))
    const row = (title: string, { bare, peer, ours, redis: onRedis }: Reads) => [
      title,
      ...[bare, peer, ours].map(cell),
      redis === undefined ? '–' : cell(onRedis),
      ratio(ratioOf(bare, ours)),
      ratio(ratioOf(peer, ours)),
    ]
    const againstBare = ratioOf(many.bare, many.ours)
    const againstPeer = ratioOf(many.peer, many.ours)
    return {
      goals: [
        {
          what: 'PostgreSQL: round trips of a request with a session',
          goal: 'at most 1',
          found: String(roundTrips),
          verdict: roundTrips <= 1 ? 'met' : 'missed',
        },
        {
          what: 'PostgreSQL: throughput against a bare SELECT and JSON.parse, 64 in flight',
          goal: '>= 0.9',
          found: ratio(againstBare),
          verdict: verdictOf(againstBare, { atLeast: 0.9 }),
        },
        {
          what: `PostgreSQL: throughput against ${PEER}, 64 in flight`,
          goal: '>= 1',
          found: ratio(againstPeer),
          verdict: verdictOf(againstPeer, { atLeast: 1 }),
        },
        {
          what: 'PostgreSQL: a logout elsewhere is seen',
          goal: 'within a stated bound',
          found: isSeenAtOnce ? 'at the next request; within 60 s while PostgreSQL is away' : 'not seen',
          verdict: isSeenAtOnce ? 'met' : 'missed',
        },
      ],
      body: [
        table(
          [
            'one request, µs',
            'bare SELECT + JSON.parse',
            `${PEER}: get`,
            'fhir-auth: cookie to context',
            'the same with Redis',
            'throughput against bare',
            `against ${PEER}`,
          ],
          [row('64 in flight', many), row('1 in flight', alone)],
        ),
        table(
          ['one write at a time, µs', `${PEER}: set`, 'set', 'swap'],
          [['with a commit on the disk', ...[writing.peer, writing.set, writing.swap].map(cell)]],
        ),
        `A pool of 10 connections. The bare SELECT and ${PEER} bring the same session as it is, ${number(plainLength)} ` +
          `bytes instead of ${number(sealedLength)}. Swaps are all of one row, as those of a session are.`,
      ].join('\n\n'),
    }
  },
}
