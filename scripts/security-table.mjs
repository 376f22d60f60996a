// Writes the table of attacks into docs/security.md, between its markers: each attack of docs/security.data.json beside the
// tests that hold it.
//
//   node scripts/security-table.mjs [REPORT]           write the table
//   node scripts/security-table.mjs --check [REPORT]   fail when it is not what would be written, when an attack names a test
//                                                      that is not there, or when a hostile case belongs to no attack
//
// REPORT of a run (`vitest --reporter=json`) saves collecting all tests again.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cell, namedTests } from './named-tests.mjs'
import { readJson, workspaceRoot } from './workspace.mjs'

/**
 * @typedef {object} Attack
 * @property {string} attack
 * @property {string[]} heldBy each is part of a test's name, or of several
 */

/** Tests named in one row; the others are counted. */
const MAX_NAMED = 4

const page = join(workspaceRoot, 'docs/security.md')
/** @type {{ groups: { from: string, attacks: Attack[] }[] }} */
const { groups } = readJson(join(workspaceRoot, 'docs/security.data.json'))
const tests = namedTests(process.argv.slice(2).find((argument) => !argument.startsWith('--')))
/** @type {string[]} */
const problems = []
const seen = new Set()

const table = groups.map(({ from, attacks }) => {
  const rows = attacks.map(({ attack, heldBy }) => `| ${cell(attack)} | ${renderTests(attack, heldBy)} |\n`)
  return `### ${from}\n\n| attack | tests |\n|---|---|\n${rows.join('')}`
})
for (const { name } of tests) {
  if (name.startsWith('every adapter > hostile ') && !seen.has(name)) {
    problems.push(`${name} is in no attack of docs/security.data.json`)
    seen.add(name)
  }
}

const before = readFileSync(page, 'utf8')
const after = before.replace(
  /(<!-- attacks:begin -->\n).*?(<!-- attacks:end -->)/s,
  (_, begin, end) => `${begin}\n${table.join('\n')}\n${end}`,
)
if (!after.includes('<!-- attacks:begin -->')) problems.push('docs/security.md has no place for the table')
if (process.argv.includes('--check')) {
  if (after !== before) problems.push('docs/security.md is out of date: run `pnpm docs:write`')
} else {
  writeFileSync(page, after)
}
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0

/**
 * @param {string} attack
 * @param {string[]} heldBy
 */
function renderTests(attack, heldBy) {
  /** @type {Map<string, string>} */
  const found = new Map()
  for (const part of heldBy) {
    const matching = tests.filter(({ name }) => name.includes(part))
    if (matching.length === 0) problems.push(`${attack}: no test is named "${part}"`)
    for (const { name, file } of matching) found.set(name, file)
  }
  for (const name of found.keys()) seen.add(name)
  const links = [...found].map(([name, file]) => `[${cell(name)}](../${file})`)
  const more = links.length > MAX_NAMED ? [`and ${links.length - MAX_NAMED} more`] : []
  return [...links.slice(0, MAX_NAMED), ...more].join('<br>')
}
