// Builds and packs every publishable package, lets publint and attw judge the tarballs, then installs them all in one
// empty project outside this workspace and uses them there as a user would: import, require, and TypeScript. Then each
// adapter runs a tiny app in a project of its own, with the oldest and the newest version of its framework. Two apps of the
// starter are made and tested as well.
//
//   pnpm check:packages

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installations, projects, testProject, useInstalled } from './as-installed.mjs'
import { Checklist } from './checklist.mjs'
import { packTarball } from './package-tarball.mjs'
import { pnpm, run } from './run.mjs'
import { starterGroups, testStarters } from './starter-apps.mjs'
import { publishablePackages, readJson, workspaceRoot } from './workspace.mjs'

/** Of what `create-fhir-auth` can write, two that have most in them. `check:starter --all` has the others. */
const STARTERS = [
  { framework: 'express', vendor: 'intelichart', kind: 'both', store: 'postgres' },
  { framework: 'nest', vendor: 'meditech', kind: 'both', store: 'redis' },
]
const packages = publishablePackages()
const checklist = new Checklist()
const temporary = mkdtempSync(join(tmpdir(), 'fhir-auth-packages-'))
const consumer = join(temporary, 'consumer')

try {
  if (checklist.check('build', () => pnpm(['exec', 'turbo', 'run', 'build', '--output-logs=errors-only']))) {
    await checkPackages()
  }
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
checklist.finish()

async function checkPackages() {
  const tarballs = packages.map((workspacePackage) => packTarball(workspacePackage, temporary))
  const entries = tarballs.flatMap(({ manifest }) =>
    Object.keys(manifest.exports ?? {})
      .filter((subpath) => subpath !== './package.json')
      .map((subpath) => manifest.name + subpath.slice(1)),
  )

  for (const { file, manifest } of tarballs) {
    checklist.check(`${manifest.name}: main, types and typesVersions say what exports says`, () => {
      checkOlderMembers(manifest)
    })
    checklist.check(`${manifest.name}: publint`, () => {
      run('node_modules/.bin/publint', ['run', file, '--strict'])
    })
    // esm-only: a package of this workspace is an ES module for everyone, `require()` included.
    checklist.check(`${manifest.name}: attw`, () => {
      run('node_modules/.bin/attw', [file, '--profile', 'esm-only', '--no-emoji'])
    })
  }

  if (!checklist.check('npm installs the tarballs in an empty project', () => install(tarballs))) return
  checkAtRunTime(entries)
  checkOneErrorClass()
  checkTypes(entries)
  checkCommands(tarballs)
  await checkInstallations(tarballs)
}

/**
 * TypeScript with `moduleResolution: node10` reads these and no `exports`.
 *
 * @param {import('./workspace.mjs').Manifest} manifest
 */
function checkOlderMembers({ main, types, typesVersions, exports = {} }) {
  const targets = Object.entries(exports).flatMap(([subpath, target]) =>
    typeof target === 'object' ? [{ subpath, target }] : [],
  )
  const [own, ...others] = targets
  assert.deepEqual([own?.subpath, own?.target.default, own?.target.types], ['.', main, types])
  const expected = Object.fromEntries(others.map(({ subpath, target }) => [subpath.slice(2), [target.types]]))
  assert.deepEqual(typesVersions?.['*'] ?? {}, expected)
}

/**
 * An empty project with the tarballs, the frameworks they name as peers, and the types that a user of those has.
 *
 * @param {import('./package-tarball.mjs').Tarball[]} tarballs
 */
function install(tarballs) {
  /** @type {Record<string, string>} */
  const dependencies = {}
  for (const { manifest, file } of tarballs) {
    dependencies[manifest.name] = `file:${file}`
    for (const [peer, range] of Object.entries(manifest.peerDependencies ?? {})) {
      const types = `@types/${peer}`
      const typesRange = manifest.devDependencies?.[types]
      dependencies[peer] ??= range
      if (typesRange !== undefined) dependencies[types] = typesRange
    }
  }
  const { devDependencies } = readJson(join(workspaceRoot, 'package.json'))
  dependencies['@types/node'] = devDependencies['@types/node']

  mkdirSync(consumer)
  write('package.json', JSON.stringify({ name: 'consumer', private: true, dependencies }))
  run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'], { cwd: consumer })
}

/** @param {string[]} entries */
function checkAtRunTime(entries) {
  for (const entry of entries) {
    const names = 'Object.keys(loaded).sort().join()'
    write('import.mjs', `import * as loaded from '${entry}'\nconsole.log(${names})\n`)
    write('require.cjs', `const loaded = require('${entry}')\nconsole.log(${names})\n`)
    let imported = ''
    checklist.check(`${entry}: import`, () => {
      imported = run(process.execPath, ['import.mjs'], { cwd: consumer })
    })
    checklist.check(`${entry}: require() gives the same names`, () => {
      const required = run(process.execPath, ['require.cjs'], { cwd: consumer })
      if (required !== imported) throw new Error(`import: ${imported}require: ${required}`)
    })
  }
}

/** An error that one entry throws is caught by the class of another. */
function checkOneErrorClass() {
  const use = `const classes = [core.FhirAuthError, express.FhirAuthError]
try {
  protocol.requireEndpoint({ sources: [] }, 'token_endpoint')
} catch (error) {
  console.log(classes.every((FhirAuthError) => error instanceof FhirAuthError))
}
`
  const names = { core: '@fhir-auth/core', protocol: '@fhir-auth/core/protocol', express: '@fhir-auth/express' }
  const lines = Object.entries(names)
  write('one-class.mjs', lines.map(([name, entry]) => `import * as ${name} from '${entry}'\n`).join('') + use)
  write('one-class.cjs', lines.map(([name, entry]) => `const ${name} = require('${entry}')\n`).join('') + use)
  for (const file of ['one-class.mjs', 'one-class.cjs']) {
    checklist.check(`FhirAuthError is one class, ${file.endsWith('mjs') ? 'import' : 'require()'}`, () => {
      const printed = run(process.execPath, [file], { cwd: consumer })
      if (printed !== 'true\n') throw new Error(printed)
    })
  }
}

/** @param {string[]} entries */
function checkTypes(entries) {
  const imports = entries.map((entry, index) => `import * as entry${index} from '${entry}'`)
  const requires = entries.map((entry, index) => `import entry${index} = require('${entry}')`)
  const uses = `export const loaded: object[] = [${entries.map((_, index) => `entry${index}`)}]\n`
  write('import.mts', `${imports.join('\n')}\n${uses}`)
  write('require.cts', `${requires.join('\n')}\n${uses}`)
  const strict = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2022', '--types', 'node']
  const tsc = join(workspaceRoot, 'node_modules/.bin/tsc')

  checklist.check('TypeScript, nodenext, from an ES module', () => {
    run(tsc, [...strict, '--module', 'nodenext', 'import.mts'], { cwd: consumer })
  })
  checklist.check('TypeScript, nodenext, from a CommonJS module', () => {
    run(tsc, [...strict, '--module', 'nodenext', 'require.cts'], { cwd: consumer })
  })
  checklist.check('TypeScript, bundler resolution', () => {
    run(tsc, [...strict, '--module', 'esnext', '--moduleResolution', 'bundler', 'import.mts'], { cwd: consumer })
  })
}

/**
 * Each command, as `npx` finds it.
 *
 * @param {import('./package-tarball.mjs').Tarball[]} tarballs
 */
function checkCommands(tarballs) {
  for (const name of tarballs.flatMap(({ manifest }) => Object.keys(manifest.bin ?? {}))) {
    checklist.check(`npx ${name} --help`, () => {
      const help = run('npx', ['--no', '--offline', name, '--help'], { cwd: consumer })
      if (!help.startsWith(`Usage: ${name} `)) throw new Error(help)
    })
  }
  checklist.check('npx fhir-auth keygen, then jwks', () => {
    run('npx', ['--no', '--offline', 'fhir-auth', 'keygen', '--out', 'keys'], { cwd: consumer })
    const set = run('npx', ['--no', '--offline', 'fhir-auth', 'jwks', 'keys/private.jwks.json'], { cwd: consumer })
    if (JSON.parse(set).keys.length !== 1) throw new Error(set)
  })
}

/**
 * Several at a time, as an installation mostly waits.
 *
 * @param {import('./package-tarball.mjs').Tarball[]} tarballs
 */
async function checkInstallations(tarballs) {
  const files = new Map(tarballs.map(({ manifest, file }) => [manifest.name, file]))
  const waiting = [
    ...projects.map((project) => ({
      title: `a project of ${project.title}`,
      /** @param {string} folder */
      use: (folder) => testProject(project, files, folder),
    })),
    ...installations.map((installation) => ({
      title: `@fhir-auth/${installation.app} with ${installation.title}: an app, ESM, require(), types`,
      /** @param {string} folder */
      use: (folder) => useInstalled(installation, files, folder),
    })),
    ...starterGroups(STARTERS).map((group) => ({
      title: `create-fhir-auth: ${group.title}: types, build, tests`,
      /** @param {string} folder */
      use: (folder) => testStarters(group, files, folder),
    })),
  ].map((each, index) => ({ ...each, folder: join(temporary, `installation-${index}`) }))
  const workers = Array.from({ length: 3 }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { title, use, folder } = next
      const [result] = await Promise.allSettled([use(folder)])
      checklist.check(title, () => {
        if (result?.status === 'rejected') throw result.reason
      })
    }
  })
  await Promise.all(workers)
}

/**
 * @param {string} name
 * @param {string} content
 */
function write(name, content) {
  writeFileSync(join(consumer, name), content)
}
