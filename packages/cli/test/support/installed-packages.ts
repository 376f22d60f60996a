import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const packages = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')
const tsc = resolve(packages, '../node_modules/.bin/tsc')

export interface InstalledPackages {
  /** The folder of an app, with `node_modules` in it. */
  readonly root: string
  readonly modules: string
  remove(): void
}

/**
 * Packages of this workspace as a user has them: compiled, in a folder of its own, next to what they depend on.
 *
 * @param dependencies - of other people: which of our packages has it, and its name
 */
export function installPackages(
  names: readonly string[],
  dependencies: readonly (readonly [owner: string, name: string])[],
): InstalledPackages {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'fhir-auth-installed-')))
  const modules = join(root, 'node_modules')
  mkdirSync(join(modules, '@fhir-auth'), { recursive: true })
  for (const name of names) {
    const source = join(packages, name)
    const target = join(modules, '@fhir-auth', name)
    // Types are checked elsewhere, and need the other packages built. Core's modules stay apart here.
    const off = ['emitDeclarationOnly', 'declaration', 'isolatedDeclarations', 'sourceMap']
    const options = ['--noCheck', ...off.flatMap((name) => [`--${name}`, 'false'])]
    execFileSync(tsc, ['-p', join(source, 'tsconfig.build.json'), '--outDir', join(target, 'dist'), ...options])
    cpSync(join(source, 'package.json'), join(target, 'package.json'))
  }
  for (const [owner, name] of dependencies) symlinkSync(folderOf(owner, name), join(modules, name))
  return { root, modules, remove: () => rmSync(root, { recursive: true, force: true }) }
}

function folderOf(owner: string, name: string): string {
  const [folder] = createRequire(join(packages, owner, 'package.json')).resolve.paths(name) ?? []
  return realpathSync(join(folder ?? '', name))
}
