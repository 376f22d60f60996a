// The house: which folder may import which, inside core. Cycles are the linter's (noImportCycles, in every package).
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { workspaceRoot } from '../scripts/workspace.mjs'

/** Top floor first. Rooms of one floor do not know each other. */
const FLOORS = [
  ['index.ts', 'protocol.ts', 'adapter.ts', 'internal.ts', 'testing.ts'],
  ['launch', 'backend', 'proxy', 'testing'],
  ['session'],
  ['web'],
  ['oauth'],
  ['discovery'],
  ['client'],
  ['dialects'],
  ['fhir'],
  ['store'],
  ['http'],
  ['health.ts'],
  ['shared'],
  ['events.ts', 'options.ts'],
  ['errors.ts'],
]

const LARGEST_ROOM = 1 / 4

const core = join(workspaceRoot, 'packages/core/src')
const files = readdirSync(core, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

describe('the floors of core', () => {
  it('every file stands on one', () => {
    expect(files.filter((file) => floorOf(file) < 0)).toEqual([])
    expect(FLOORS.flat().filter((room) => !files.some((file) => roomOf(file) === room))).toEqual([])
  })

  it('an arrow only points down, type-only imports included', () => {
    expect(files.flatMap((file) => arrowsOf(file, readFileSync(join(core, file), 'utf8')))).toEqual([])
  })

  it.each([
    ['up', 'oauth/grants.ts', `import { a } from '../launch/flow.ts'`],
    ['aside', 'launch/flow.ts', `export { a } from '../backend/tokens.ts'`],
    ['up, by a type', 'dialects/epic.ts', `import type { A } from '../client/client.ts'`],
    ['up, when it is called', 'store/leases.ts', `const a = await import('../session/record.ts')`],
    ['up, in a type', 'store/leases.ts', `type A = import('../session/record.ts').A`],
    ['up, for its effect', 'store/leases.ts', `import '../session/record.ts'`],
    ['out of a door', 'fhir/scope-set.ts', `import { a } from '../index.ts'`],
  ])('an arrow that points %s is found', (_, file, source) => {
    expect(arrowsOf(file, source)).toHaveLength(1)
  })

  it('an arrow down, and one inside of a room, are none to refuse', () => {
    const source = `import { a } from '../oauth/grants.ts'\nimport { b } from './routes/login.ts'\nimport * as jose from 'jose'`
    expect(arrowsOf('launch/flow.ts', source)).toEqual([])
  })

  it('no room holds more than a quarter of the lines', () => {
    const lines = new Map<string, number>()
    for (const file of files) {
      const count = readFileSync(join(core, file), 'utf8').split('\n').length
      lines.set(roomOf(file), (lines.get(roomOf(file)) ?? 0) + count)
    }
    const all = [...lines.values()].reduce((sum, count) => sum + count)
    expect([...lines].filter(([, count]) => count > all * LARGEST_ROOM)).toEqual([])
  })
})

function roomOf(file: string): string {
  return file.split(sep)[0] ?? ''
}

function floorOf(file: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)))
}

/** Imports of a file that do not lead to a lower floor, or to its own room. */
function arrowsOf(file: string, source: string): string[] {
  const paths = [...source.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)].map(([, path = '']) => path)
  return paths
    .map((path) => normalize(join(dirname(file), path)))
    .filter((target) => roomOf(target) !== roomOf(file) && floorOf(target) <= floorOf(file))
    .map((target) => `${file} -> ${target}`)
}
