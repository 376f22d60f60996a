import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { INSTALL, runIn } from './as-installed.mjs'
import { readJson } from './workspace.mjs'

/**
 * @typedef {{ framework: string, vendor: string, kind: string, store: string }} Combination
 * @typedef {{ title: string, combinations: Combination[] }} StarterGroup apps of one framework and one store
 */

/**
 * Apps with the same framework and store have the same dependencies, so one installation serves them.
 *
 * @param {readonly Combination[]} combinations
 * @returns {StarterGroup[]}
 */
export function starterGroups(combinations) {
  const groups = groupBy(combinations)
  return [...groups].map(([title, members]) => ({ title, combinations: members }))
}

/** @param {Combination} combination */
const titleOf = ({ framework, store }) => `${framework} with ${store}`

/**
 * Node 20 has no `Map.groupBy`.
 *
 * @param {readonly Combination[]} combinations
 */
function groupBy(combinations) {
  /** @type {Map<string, Combination[]>} */
  const groups = new Map()
  for (const each of combinations) groups.set(titleOf(each), [...(groups.get(titleOf(each)) ?? []), each])
  return groups
}

/**
 * Writes the apps of one group with the packed generator, installs the packed packages for them once, and in each app
 * checks the types, builds it, and runs its tests.
 *
 * @param {StarterGroup} group
 * @param {Map<string, string>} tarballs the files of this workspace's packages, by their names
 * @param {string} folder is made
 * @returns {Promise<number>} how many tests passed; rejects with the output of what failed
 */
export async function testStarters({ combinations }, tarballs, folder) {
  mkdirSync(folder)
  const generator = join(`${tarballs.get('create-fhir-auth')}`.replace(/\.tgz$/, ''), 'bin/create-fhir-auth.js')
  const apps = []
  for (const combination of combinations) {
    const app = Object.values(combination).join('-')
    const flags = Object.entries(combination).flatMap(([question, answer]) => [`--${question}`, answer])
    await runIn(folder, process.execPath, [generator, app, ...flags])
    apps.push(app)
  }

  const [first = ''] = apps
  const manifest = readJson(join(folder, first, 'package.json'))
  for (const list of [manifest.dependencies, manifest.devDependencies]) {
    for (const name of Object.keys(list)) if (tarballs.has(name)) list[name] = `file:${tarballs.get(name)}`
  }
  manifest.dependencies['@fhir-auth/core'] = `file:${tarballs.get('@fhir-auth/core')}`
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  await runIn(folder, 'npm', INSTALL)

  for (const app of apps) {
    await runIn(join(folder, app), 'npm', ['run', 'typecheck'])
    await runIn(join(folder, app), 'npm', ['run', 'build'])
  }
  // One start of vitest for all of them, as that takes longer than their tests.
  await runIn(folder, 'npx', ['--no', 'vitest', 'run', ...REPORT])
  return readJson(join(folder, 'report.json')).numPassedTests
}

const REPORT = ['--maxWorkers=1', '--reporter=default', '--reporter=json', '--outputFile.json=report.json']
