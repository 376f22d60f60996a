import { spawn } from 'node:child_process'
import { cpSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPackages } from './installed-packages.ts'

const bin = resolve(dirname(fileURLToPath(import.meta.url)), '../../bin')

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

/**
 * The command as a user has it.
 *
 * @param beside - packages that the user has installed as well: which of our packages has it, and its name
 */
export function installCommand(beside: readonly (readonly [owner: string, name: string])[] = []): InstalledCommand {
  const { root, modules, remove } = installPackages(
    ['core', 'sandbox', 'cli'],
    [['core', 'jose'], ['sandbox', 'oidc-provider'], ['cli', 'commander'], ...beside],
  )
  cpSync(bin, join(modules, '@fhir-auth/cli/bin'), { recursive: true })
  const script = join(modules, '@fhir-auth/cli/bin/fhir-auth.js')
  return {
    script,
    run(args, { env = {}, cwd = root } = {}) {
      const child = spawn(process.execPath, [script, ...args], { cwd, env: { PATH: process.env.PATH, ...env } })
      return ended(child)
    },
    remove,
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
