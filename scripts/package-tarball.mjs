import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pnpm, run } from './run.mjs'
import { readJson } from './workspace.mjs'

/**
 * @typedef {object} Tarball
 * @property {string} file absolute path of the `.tgz`
 * @property {import('./workspace.mjs').Manifest} manifest as published
 * @property {string[]} paths of everything inside, relative to the package, in order
 */

/**
 * Packs one built package as it would be published, and unpacks it again to see what is in it.
 *
 * @param {import('./workspace.mjs').WorkspacePackage} workspacePackage
 * @param {string} destination an existing folder; several packages may share it
 * @returns {Tarball}
 */
export function packTarball({ folder, manifest }, destination) {
  pnpm(['pack', '--pack-destination', destination], { cwd: folder })
  const prefix = `${manifest.name.replace('@', '').replace('/', '-')}-`
  const name = readdirSync(destination).find((entry) => entry.startsWith(prefix) && entry.endsWith('.tgz'))
  if (name === undefined) throw new Error(`pnpm wrote no tarball for ${manifest.name}`)

  const file = join(destination, name)
  const unpacked = file.replace(/\.tgz$/, '')
  run('mkdir', ['-p', unpacked])
  run('tar', ['-xzf', file, '-C', unpacked, '--strip-components=1'])
  return {
    file,
    manifest: readJson(join(unpacked, 'package.json')),
    paths: run('tar', ['-tzf', file])
      .split('\n')
      .filter((path) => path !== '' && !path.endsWith('/'))
      .map((path) => path.replace(/^package\//, ''))
      .sort(),
  }
}
