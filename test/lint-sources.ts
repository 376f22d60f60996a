import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { workspacePackages, workspaceRoot } from '../scripts/workspace.mjs'

/**
 * Lints each source as if it stood at its path in this workspace: a temporary folder gets `biome.json`, the manifests
 * and the sources, and one run of the linter looks at them all.
 *
 * @returns by path, the rules that refused it, in alphabetical order
 */
export function lintSources(sources: Record<string, string>): Map<string, string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-auth-lint-'))
  try {
    copyFileSync(join(workspaceRoot, 'biome.json'), join(folder, 'biome.json'))
    for (const { folder: packageFolder } of workspacePackages()) {
      const target = join(folder, relative(workspaceRoot, packageFolder))
      mkdirSync(target, { recursive: true })
      copyFileSync(join(packageFolder, 'package.json'), join(target, 'package.json'))
    }
    for (const [path, code] of Object.entries(sources)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), `${code}\n`)
    }

    const biome = join(workspaceRoot, 'node_modules/.bin/biome')
    const args = ['lint', '--vcs-enabled=false', '--max-diagnostics=none', '--reporter=json', '.']
    const { stdout, stderr } = spawnSync(biome, args, { cwd: folder, encoding: 'utf8' })
    if (!stdout.startsWith('{')) throw new Error(`The linter gave no report.\n${stderr}`)

    const report: { diagnostics: { category: string; location: { path: string } }[] } = JSON.parse(stdout)
    const rulesByPath = new Map<string, string[]>()
    for (const { category, location } of report.diagnostics) {
      const rules = new Set(rulesByPath.get(location.path)).add(category.replace('lint/', ''))
      rulesByPath.set(location.path, [...rules].sort())
    }
    return rulesByPath
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
