import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds `pnpm-workspace.yaml`. */
export const workspaceRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {string} [main]
 * @property {string} [types]
 * @property {Record<string, Record<string, string[]>>} [typesVersions]
 * @property {Record<string, string | Record<string, string>>} [exports]
 * @property {string | Record<string, string>} [bin]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 */

/**
 * @typedef {object} WorkspacePackage
 * @property {string} folder absolute path
 * @property {Manifest} manifest
 */

/**
 * @param {string} file
 * @returns {any}
 */
export function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

/**
 * Every package of `packages/` and `apps/`, in order of their folders' names.
 *
 * @param {string} [root]
 * @returns {WorkspacePackage[]}
 */
export function workspacePackages(root = workspaceRoot) {
  return ['packages', 'apps'].flatMap((parent) => packagesIn(join(root, parent)))
}

/**
 * What goes to npm: each package of `packages/` that is not private.
 *
 * @param {string} [root]
 * @returns {WorkspacePackage[]}
 */
export function publishablePackages(root = workspaceRoot) {
  return packagesIn(join(root, 'packages')).filter(({ manifest }) => manifest.private !== true)
}

/**
 * @param {string} parent
 * @returns {WorkspacePackage[]}
 */
function packagesIn(parent) {
  if (!existsSync(parent)) return []
  return readdirSync(parent)
    .sort()
    .map((name) => join(parent, name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: readJson(join(folder, 'package.json')) }))
}
