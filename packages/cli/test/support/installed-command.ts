import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const packages = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')
const tsc = resolve(packages, '../node_modules/.bin/tsc')

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

export interface InstalledCommand {
  /** The script that a package manager links as `fhir-auth`. */
  readonly script: string
  /** Runs it with pipes, as in a script. */
  run(args: readonly string[], options?: { env?: NodeJS.ProcessEnv; cwd?: string }): Promise<Ended>
  remove(): void
}

/** The command as a user has it: compiled, in a folder of its own, next to what it depends on. */
export function installCommand(): InstalledCommand {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'fhir-auth-cli-')))
  const modules = join(root, 'node_modules')
  mkdirSync(join(modules, '@fhir-auth'), { recursive: true })
  for (const name of ['core', 'sandbox', 'cli']) {
    const source = join(packages, name)
    const target = join(modules, '@fhir-auth', name)
    // Types are checked elsewhere, and need the other packages built.
    const options = ['--noCheck', '--declaration', 'false', '--isolatedDeclarations', 'false', '--sourceMap', 'false']
    execFileSync(tsc, ['-p', join(source, 'tsconfig.build.json'), '--outDir', join(target, 'dist'), ...options])
    cpSync(join(source, 'package.json'), join(target, 'package.json'))
  }
  cpSync(join(packages, 'cli/bin'), join(modules, '@fhir-auth/cli/bin'), { recursive: true })
  for (const [owner, name] of [
    ['core', 'jose'],
    ['sandbox', 'oidc-provider'],
    ['cli', 'commander'],
  ] as const) {
    symlinkSync(folderOf(owner, name), join(modules, name))
  }
  const script = join(modules, '@fhir-auth/cli/bin/fhir-auth.js')
  return {
    script,
    run(args, { env = {}, cwd = root } = {}) {
      const child = spawn(process.execPath, [script, ...args], { cwd, env: { PATH: process.env.PATH, ...env } })
      return ended(child)
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** What a process said, when it is over. */
export async function ended(child: ReturnType<typeof spawn>): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  child.stdin?.end()
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done))
  return { code, stdout, stderr }
}

function folderOf(owner: string, name: string): string {
  const [folder] = createRequire(join(packages, owner, 'package.json')).resolve.paths(name) ?? []
  return realpathSync(join(folder ?? '', name))
}
