// Writes apps with `create-fhir-auth` as it is packed, installs the packed packages for them, and checks their types and
// runs their tests. Which apps: all combinations of answers, or some that are spread evenly over all.
//
//   pnpm check:starter              12 of them
//   pnpm check:starter --sample 4
//   pnpm check:starter --all        each one; it takes about a quarter of an hour

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Checklist } from './checklist.mjs'
import { packTarball } from './package-tarball.mjs'
import { pnpm } from './run.mjs'
import { starterGroups, testStarters } from './starter-apps.mjs'
import { publishablePackages } from './workspace.mjs'

const { values } = parseArgs({
  options: { all: { type: 'boolean', default: false }, sample: { type: 'string', default: '12' } },
})
/** It has no divisor in common with the number of combinations, so a few of them differ in every answer. */
const STRIDE = 89
const checklist = new Checklist()
const temporary = mkdtempSync(join(tmpdir(), 'fhir-auth-starter-'))

try {
  if (checklist.check('build', () => pnpm(['exec', 'turbo', 'run', 'build', '--output-logs=errors-only']))) {
    await checkStarters()
  }
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
checklist.finish()

async function checkStarters() {
  const files = new Map(publishablePackages().map((each) => [each.manifest.name, packTarball(each, temporary).file]))
  const { everyCombination } = await import(
    pathToFileURL(`${files.get('create-fhir-auth')}`.replace(/\.tgz$/, '/dist/choices.js')).href
  )
  /** @type {import('./starter-apps.mjs').Combination[]} */
  const all = everyCombination()
  const wanted = values.all ? all.length : Math.min(Number(values.sample), all.length)
  const chosen = Array.from({ length: wanted }, (_, index) => all[(index * STRIDE) % all.length])
  let tests = 0
  for (const [index, group] of starterGroups(chosen.filter((each) => each !== undefined)).entries()) {
    const [result] = await Promise.allSettled([testStarters(group, files, join(temporary, `apps-${index}`))])
    checklist.check(`${group.title}: ${group.combinations.length} apps: types, build, tests`, () => {
      if (result?.status === 'rejected') throw result.reason
      tests += result?.value ?? 0
    })
  }
  console.log(`${chosen.length} of ${all.length} combinations, ${tests} tests passed.`)
}
