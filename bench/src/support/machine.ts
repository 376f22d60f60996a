import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, release, totalmem, type } from 'node:os'
import { canPin } from './pinned-process.ts'

/** What the figures were measured on, and with. */
export function machine(): string {
  const processors = cpus()
  const pinned = canPin ? 'the load generator and what is measured are pinned to different cores' : 'not pinned'
  const memory = Math.round(totalmem() / 2 ** 30)
  return [
    `Machine: ${processors.length} cores of ${processors[0]?.model ?? 'an unknown processor'}, ${memory} GB, ${type()} ${release()}; ${pinned}.`,
    `Node ${process.versions.node}, V8 ${process.versions.v8}. Versions: ${versions().join(', ')}.`,
  ].join('\n')
}

function versions(): string[] {
  const require = createRequire(import.meta.url)
  const manifest = require('../../package.json') as { dependencies: Record<string, string> }
  return Object.entries(manifest.dependencies).map(([name, range]) => `${name} ${installedVersion(name) ?? range}`)
}

function installedVersion(name: string): string | undefined {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version?: string }).version
}
