// The tests of this workspace by their names, for the pages that name them.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { run } from './run.mjs'
import { readJson, workspaceRoot } from './workspace.mjs'

/** @typedef {{ file: string, name: string }} NamedTest */

/** The conformance suite on core alone; its first title names the host. */
const SUITE_TEST = 'packages/conformance/test/conformance.test.ts'
const SUITE_CASES = 'packages/conformance/src/cases'
const SUITE_ATTACKS = 'packages/conformance/src/hostile'

/**
 * In order of file and name, so that a page does not depend on the order in which tests were collected. A case of the
 * conformance suite runs on every adapter: it is here once for each, by the same name.
 *
 * @param {string | undefined} report a file that Vitest's JSON reporter wrote; without it all tests are collected
 * @returns {NamedTest[]}
 */
export function namedTests(report) {
  const tests = (report === undefined ? listTests() : testsOfRun(report))
    .map(({ file, name }) => ({ file: relative(workspaceRoot, file), name }))
    .sort((a, b) => compare(a.file, b.file) || compare(a.name, b.name))
  const cases = new Set(tests.filter(({ file }) => file === SUITE_TEST).map(({ name }) => withoutHost(name)))
  return tests.map((test) => {
    const name = withoutHost(test.name)
    if (!cases.has(name)) return test
    return { file: name.startsWith('hostile ') ? SUITE_ATTACKS : SUITE_CASES, name: `every adapter > ${name}` }
  })
}

/**
 * Text for a cell of a table.
 *
 * @param {string} text
 */
export function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('[', '\\[').replaceAll(']', '\\]')
}

/** @returns {NamedTest[]} */
function listTests() {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-auth-tests-'))
  try {
    const report = join(folder, 'tests.json')
    run('node_modules/.bin/vitest', ['list', `--json=${report}`])
    return readJson(report)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * @param {string} report
 * @returns {NamedTest[]}
 */
function testsOfRun(report) {
  /** @type {{ testResults: { name: string, assertionResults: { ancestorTitles: string[], title: string }[] }[] }} */
  const { testResults } = readJson(report)
  return testResults.flatMap(({ name: file, assertionResults }) =>
    assertionResults.map(({ ancestorTitles, title }) => ({ file, name: [...ancestorTitles, title].join(' > ') })),
  )
}

/** @param {string} name */
function withoutHost(name) {
  return name.split(' > ').slice(1).join(' > ')
}

/**
 * @param {string} a
 * @param {string} b
 */
function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0
}
