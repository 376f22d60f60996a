import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { number, table } from '../support/markdown.ts'
import type { Goal, Part } from '../support/report.ts'

const MEGABYTE = 1e6
const repository = resolve(fileURLToPath(new URL('../../..', import.meta.url)))

const OURS = [
  { name: '@fhir-auth/express', framework: ['express@5'] },
  { name: '@fhir-auth/fastify', framework: ['fastify@5'] },
  { name: '@fhir-auth/hono', framework: ['hono@4'] },
  { name: '@fhir-auth/nest', framework: ['@nestjs/common@12', '@nestjs/core@12', 'rxjs@7', 'reflect-metadata@0.2'] },
]
const PEERS = [
  { name: 'express-session', framework: ['express@5'] },
  { name: 'express-openid-connect', framework: ['express@5'] },
  { name: '@auth/express', framework: ['express@5'] },
  { name: 'better-auth', framework: ['express@5'] },
  { name: '@fastify/oauth2', framework: ['fastify@5'] },
  { name: '@fastify/secure-session', framework: ['fastify@5'] },
  { name: '@hono/oidc-auth', framework: ['hono@4'] },
  { name: 'openid-client', framework: [] },
  { name: 'fhirclient', framework: ['express@5'] },
]

interface Size {
  readonly packages: number
  readonly bytes: number
}

/** What npm puts into an empty project. */
function install(specifiers: readonly string[]): Size {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-auth-install-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    if (specifiers.length > 0) {
      const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
      execFileSync('npm', ['install', ...quiet, ...specifiers], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    }
    return sizeOf(join(folder, 'node_modules'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function sizeOf(modules: string): Size {
  const entries = specifiersExist(modules) ? readdirSync(modules, { recursive: true, withFileTypes: true }) : []
  let packages = 0
  let bytes = 0
  for (const entry of entries) {
    if (!entry.isFile()) continue
    bytes += statSync(join(entry.parentPath, entry.name)).size
    // node_modules/name/package.json or node_modules/@scope/name/package.json, at any depth
    const isRoot = /node_modules\/(?:@[^/]+\/)?[^/@][^/]*$/.test(entry.parentPath)
    if (entry.name === 'package.json' && isRoot) packages++
  }
  return { packages, bytes }
}

function specifiersExist(modules: string): boolean {
  return statSync(modules, { throwIfNoEntry: false }) !== undefined
}

/** Packs core and one adapter as they are published. */
function pack(destination: string, name: string): string {
  const folder = join(repository, 'packages', name.replace('@fhir-auth/', ''))
  const before = new Set(readdirSync(destination))
  execFileSync('npx', ['-y', 'pnpm@10', 'pack', '--pack-destination', destination], { cwd: folder, stdio: 'ignore' })
  const file = readdirSync(destination).find((entry) => !before.has(entry))
  if (file === undefined) throw new Error(`pnpm wrote no tarball for ${name}.`)
  return join(destination, file)
}

export const installation: Part = {
  title: 'Install',
  async measure() {
    const tarballs = mkdtempSync(join(tmpdir(), 'fhir-auth-tarballs-'))
    const core = pack(tarballs, '@fhir-auth/core')
    const frameworks = new Map<string, Size>()
    const added = (framework: readonly string[], specifiers: readonly string[]): Size => {
      const key = framework.join(' ')
      const base = frameworks.get(key) ?? install(framework)
      frameworks.set(key, base)
      const whole = install([...framework, ...specifiers])
      return { packages: whole.packages - base.packages, bytes: whole.bytes - base.bytes }
    }
    const ours = OURS.map(({ name, framework }) => ({
      name,
      framework,
      ...added(framework, [core, pack(tarballs, name)]),
    }))
    const peers = PEERS.map(({ name, framework }) => ({ name, framework, ...added(framework, [name]) }))
    rmSync(tarballs, { recursive: true, force: true })
    const goals = ours.map(
      ({ name, packages, bytes }): Goal => ({
        what: `Install of ${name}`,
        goal: 'itself, 2 packages more and 1.5 MB',
        found: `${packages - 1} more, ${number(bytes / MEGABYTE)} MB`,
        verdict: packages <= 3 && bytes <= 1.5 * MEGABYTE ? 'met' : 'missed',
      }),
    )
    const ordered = [...ours, ...peers].sort((a, b) => a.bytes - b.bytes)
    const rows = ordered.map(({ name, framework, packages, bytes }) => [
      name,
      framework.join(', '),
      String(packages),
      number(bytes / MEGABYTE),
    ])
    return { goals, body: table(['installed by npm, peers included', 'added to', 'packages', 'MB'], rows) }
  },
}
