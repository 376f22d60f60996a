// A dry run of the next release: in a copy of this tree, `changeset version` gives every package its number, then each
// is built and packed, and the manifests that npm would get are read. Nothing in this tree changes.
//
//   pnpm check:release

import { copyFileSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Checklist } from './checklist.mjs'
import { packTarball } from './package-tarball.mjs'
import { pnpm, run } from './run.mjs'
import { publishablePackages, workspaceRoot } from './workspace.mjs'

const checklist = new Checklist()
const temporary = mkdtempSync(join(tmpdir(), 'fhir-auth-release-'))
const copy = join(temporary, 'tree')

try {
  copyTree()
  const pending = readdirSync(join(copy, '.changeset')).filter((name) => name.endsWith('.md') && name !== 'README.md')
  const prepared = checklist.check(`changeset version, ${pending.length} changesets pending`, prepareRelease)
  if (prepared) checkRelease(pending.length > 0)
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
checklist.finish()

/** Copies what git tracks or would track, as a repository of its own: changesets asks git for its history. */
function copyTree() {
  const listed = run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'])
  for (const path of listed.split('\0')) {
    const source = join(workspaceRoot, path)
    if (path === '' || !existsSync(source) || !lstatSync(source).isFile()) continue
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    copyFileSync(source, join(copy, path))
  }
  const identity = ['-c', 'user.name=release-check', '-c', 'user.email=release-check@example.com']
  run('git', ['init', '--quiet', '--initial-branch', 'main'], { cwd: copy })
  run('git', ['add', '--all'], { cwd: copy })
  run('git', [...identity, '-c', 'commit.gpgsign=false', 'commit', '--quiet', '--message', 'tree'], { cwd: copy })
}

function prepareRelease() {
  pnpm(['install', '--frozen-lockfile', '--prefer-offline'], { cwd: copy })
  pnpm(['exec', 'changeset', 'version'], { cwd: copy })
  // The lockfile must still fit, or the release's own frozen install would fail.
  pnpm(['install', '--frozen-lockfile', '--prefer-offline'], { cwd: copy })
  pnpm(['exec', 'turbo', 'run', 'build', '--output-logs=errors-only'], { cwd: copy })
}

/** @param {boolean} raised whether changesets were pending, so that versions must have gone up */
function checkRelease(raised) {
  const before = new Map(publishablePackages().map(({ manifest }) => [manifest.name, manifest.version]))
  const released = publishablePackages(copy)
  const versions = new Set(released.map(({ manifest }) => manifest.version))

  checklist.check('all packages get one version', () => {
    if (versions.size !== 1) throw new Error([...versions].join(', '))
  })

  const tarballs = join(temporary, 'tarballs')
  mkdirSync(tarballs)
  for (const workspacePackage of released) {
    const { folder, manifest } = workspacePackage
    const problems = () => {
      const tarball = packTarball(workspacePackage, tarballs)
      return [
        ...versionProblems(manifest, before.get(manifest.name), raised),
        ...(raised && !existsSync(join(folder, 'CHANGELOG.md')) ? ['no CHANGELOG.md was written'] : []),
        ...dependencyProblems(tarball.manifest),
        ...fileProblems(tarball),
      ]
    }
    checklist.check(`${manifest.name}@${manifest.version} is ready to publish`, () => {
      const found = problems()
      if (found.length > 0) throw new Error(found.join('\n'))
    })
  }
}

/**
 * @param {import('./workspace.mjs').Manifest} manifest
 * @param {string | undefined} versionBefore
 * @param {boolean} raised
 * @returns {string[]}
 */
function versionProblems({ version }, versionBefore, raised) {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version) || version === '0.0.0') return [`version ${version}`]
  return raised && version === versionBefore ? [`version stays at ${version} although changesets are pending`] : []
}

/**
 * @param {import('./workspace.mjs').Manifest} manifest
 * @returns {string[]}
 */
function dependencyProblems({ version, dependencies, peerDependencies, optionalDependencies, devDependencies }) {
  const all = { ...devDependencies, ...optionalDependencies, ...peerDependencies, ...dependencies }
  return Object.entries(all).flatMap(([name, range]) => {
    if (/^(workspace|catalog|link|file|portal):/.test(range)) return [`${name} is still "${range}"`]
    // A private package has no release: where tests need one, its number does not matter to who installs ours.
    const isReleased = publishablePackages().some(({ manifest }) => manifest.name === name)
    if (isReleased && range !== `^${version}`) return [`${name} is "${range}", not "^${version}"`]
    return []
  })
}

/**
 * @param {import('./package-tarball.mjs').Tarball} tarball
 * @returns {string[]}
 */
function fileProblems({ manifest, paths }) {
  const bins = typeof manifest.bin === 'string' ? [manifest.bin] : Object.values(manifest.bin ?? {})
  const exported = Object.values(manifest.exports ?? {}).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )
  const needed = ['LICENSE', 'README.md', ...bins, ...exported].map((path) => path.replace(/^\.\//, ''))
  const missing = [...new Set(needed)].filter((path) => !paths.includes(path))
  // The tests in the starter's templates are those of the apps that it writes.
  const own = paths.filter((path) => !/^templates\/\w+\/test\/[\w.-]+\.ts$/.test(path))
  const stray = own.filter((path) => /(^|\/)(test|test-d|node_modules)\/|\.tsbuildinfo$|(^|\/)\.env/.test(path))
  return [...missing.map((path) => `${path} is missing`), ...stray.map((path) => `${path} should not be published`)]
}
