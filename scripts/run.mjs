import { spawnSync } from 'node:child_process'
import { workspaceRoot } from './workspace.mjs'

/** A command that failed, with everything it printed. */
export class CommandError extends Error {}

/**
 * Runs one command to its end and returns what it wrote to stdout. Throws `CommandError` when it fails.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string }} [options] `cwd` is the workspace root unless given
 * @returns {string}
 */
export function run(command, args, { cwd = workspaceRoot } = {}) {
  const result = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', FORCE_COLOR: '0', NO_COLOR: '1' },
  })
  if (result.error) throw new CommandError(`${command}: ${result.error.message}`)
  if (result.status !== 0) {
    const output = `${result.stdout}${result.stderr}`.trim()
    throw new CommandError(`\`${[command, ...args].join(' ')}\` failed in ${cwd}\n${output}`)
  }
  return result.stdout
}

/**
 * Runs pnpm: the one that started this script, else the one `npx` finds.
 *
 * @param {string[]} args
 * @param {{ cwd?: string }} [options]
 * @returns {string}
 */
export function pnpm(args, options) {
  const parent = process.env.npm_execpath
  return parent?.includes('pnpm') && /\.c?js$/.test(parent)
    ? run(process.execPath, [parent, ...args], options)
    : run('npx', ['-y', 'pnpm@10', ...args], options)
}
