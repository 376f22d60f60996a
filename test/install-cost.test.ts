import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { publishablePackages, readJson, type WorkspacePackage, workspaceRoot } from '../scripts/workspace.mjs'

// What a package brings into an app that has its framework, client or API already. docs/performance.md shows it beside others.

const ADDED: Record<string, string[]> = {
  express: ['@fhir-auth/core', 'jose'],
  fastify: ['@fhir-auth/core', 'fastify-plugin', 'jose'],
  hono: ['@fhir-auth/core', 'jose'],
  nest: ['@fhir-auth/core', 'jose'],
  opentelemetry: ['@fhir-auth/core', 'jose'],
  postgres: ['@fhir-auth/core', 'jose'],
  redis: ['@fhir-auth/core', 'jose'],
}
const MAX_BYTES = 1.85e6
/** A package has its sources and what is built of them: core had 538 kB and 614 kB when this was measured. */
const PUBLISHED_PER_SOURCE = 2.2

const packages = new Map(publishablePackages().map((found) => [found.manifest.name, found]))

describe.each(Object.entries(ADDED))('%s', (name, added) => {
  const adapter = packages.get(`@fhir-auth/${name}`)

  it(`brings ${added.join(', ')} and nothing else`, () => {
    expect([...installedWith(adapter).keys()].sort()).toEqual(added)
  })

  it('takes 1.85 MB at most, with all that it brings', () => {
    const folders = [adapter?.folder ?? '', ...installedWith(adapter).values()]
    const sizes = folders.map((folder) =>
      existsSync(join(folder, 'src/index.ts')) ? PUBLISHED_PER_SOURCE * bytesIn(join(folder, 'src')) : bytesIn(folder),
    )
    expect(Math.min(...sizes)).toBeGreaterThan(1000) // each was found
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_BYTES)
  })
})

it('no package of an adapter compiles or runs anything when it is installed', () => {
  const installed = Object.keys(ADDED).flatMap((name) => [
    ...installedWith(packages.get(`@fhir-auth/${name}`)).values(),
  ])
  for (const folder of installed) {
    const { scripts = {} } = readJson(join(folder, 'package.json'))
    expect(Object.keys(scripts).filter((script) => /^(?:pre|post)?install$/.test(script))).toEqual([])
  }
})

/** The dependencies of a package and theirs, by name, each with its folder. */
function installedWith(start: WorkspacePackage | undefined): Map<string, string> {
  const found = new Map<string, string>()
  const walk = (folder: string): void => {
    for (const name of Object.keys(readJson(join(folder, 'package.json')).dependencies ?? {})) {
      if (found.has(name)) continue
      const place = join(folder, 'node_modules', name)
      const real = realpathSync(place)
      found.set(name, real)
      walk(real)
    }
  }
  walk(start?.folder ?? workspaceRoot)
  return found
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
