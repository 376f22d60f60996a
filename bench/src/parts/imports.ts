import { number, spread, table } from '../support/markdown.ts'
import { runPinned } from '../support/pinned-process.ts'
import type { Goal, Part } from '../support/report.ts'
import { inRounds } from '../support/rounds.ts'
import { spreadOf, verdictOf } from '../support/statistics.ts'

interface Import {
  readonly module: string
  /** What the app has imported anyway. */
  readonly after?: readonly string[]
  readonly atMost?: number
}

const OURS: readonly Import[] = [
  { module: '@fhir-auth/core', atMost: 20 },
  { module: '@fhir-auth/express', after: ['express'], atMost: 22 },
  { module: '@fhir-auth/fastify', after: ['fastify'], atMost: 22 },
  { module: '@fhir-auth/hono', after: ['hono'], atMost: 22 },
  { module: '@fhir-auth/nest', after: ['reflect-metadata', '@nestjs/common', '@nestjs/core'], atMost: 22 },
]
const PEERS: readonly Import[] = [
  { module: 'jose' },
  { module: 'oauth4webapi' },
  { module: 'openid-client' },
  { module: 'express-session', after: ['express'] },
  { module: '@hono/oidc-auth', after: ['hono'] },
  { module: '@fastify/oauth2', after: ['fastify'] },
  { module: '@auth/express', after: ['express'] },
  { module: 'express-openid-connect', after: ['express'] },
  { module: 'better-auth', after: ['express'] },
]

export const imports: Part = {
  title: 'Import',
  async measure({ rounds }) {
    const all = [...OURS, ...PEERS]
    const byName = new Map(all.map((item) => [item.module, item]))
    const found = await inRounds([...byName.keys()], Math.max(rounds * 2, 5) + 1, async (name) =>
      runPinned<number>('probes/import-time.js', [name, ...(byName.get(name)?.after ?? [])]),
    )
    // The first round brings the files into the machine's cache.
    const times = ({ module }: Import) => spreadOf((found[module] ?? []).slice(1))
    const goals = OURS.map(
      (item): Goal => ({
        what: `Import of ${item.module}${item.after ? ', beyond its framework' : ''}`,
        goal: `<= ${item.atMost} ms`,
        found: `${spread(times(item))} ms`,
        verdict: verdictOf(times(item), { atMost: item.atMost ?? 0 }),
      }),
    )
    const ordered = [...all].sort((a, b) => times(a).median - times(b).median)
    const rows = ordered.map((item) => [
      item.module,
      item.after?.join(', ') ?? '',
      spread(times(item)),
      number(times(item).count),
    ])
    return { goals, body: table(['import, ms', 'after', 'median (quartiles)', 'processes'], rows) }
  },
}
