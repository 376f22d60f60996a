// Writes docs/requirements.md: each rule of docs/requirements.data.json beside the tests whose names carry its id.
//
//   pnpm docs:write    write the page
//   pnpm docs:check    fail when the page is not what would be written, when a rule has neither a test nor a reason
//                      why not (or both), or when a test names an id that no rule has
//
// Both take the report of a run (`vitest --reporter=json`) as an argument, which saves collecting all tests again.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cell, namedTests } from './named-tests.mjs'
import { readJson, workspaceRoot } from './workspace.mjs'

/**
 * @typedef {object} Requirement
 * @property {string} id
 * @property {string} level
 * @property {string} rule
 * @property {string} [notTested] the reason why no test holds it
 */
/** @typedef {import('./named-tests.mjs').NamedTest} NamedTest */

/** Tests named in one row; the others are counted. */
const MAX_NAMED = 5

const page = join(workspaceRoot, 'docs/requirements.md')
/** @type {{ groups: { title: string, requirements: Requirement[] }[] }} */
const { groups } = readJson(join(workspaceRoot, 'docs/requirements.data.json'))
const requirements = groups.flatMap((group) => group.requirements)

const reportOfRun = process.argv.slice(2).find((argument) => !argument.startsWith('--'))
const { testsById, unknown } = assignTests(namedTests(reportOfRun))
const markdown = renderPage()
const coverage = `${testsById.size} of ${requirements.length} requirements have tests.`
const problems = [
  ...unknown,
  ...listIds('have neither a test nor a reason why not', ({ id, notTested }) => !testsById.has(id) && !notTested),
  ...listIds('have both a test and a reason for having none', ({ id, notTested }) => testsById.has(id) && notTested),
]

if (process.argv.includes('--check')) {
  if (readPage() !== markdown) problems.push('docs/requirements.md is out of date: run `pnpm docs:write`')
  for (const problem of problems) console.error(problem)
  console.log(coverage)
  process.exitCode = problems.length > 0 ? 1 : 0
} else {
  writeFileSync(page, markdown)
  for (const problem of problems) console.warn(problem)
  console.log(coverage)
}

/**
 * @param {string} what
 * @param {(requirement: Requirement) => unknown} applies
 * @returns {string[]} one line with the ids of the requirements that it applies to; nothing, if there are none
 */
function listIds(what, applies) {
  const ids = requirements.filter(applies).map(({ id }) => id)
  return ids.length > 0 ? [`${ids.length} requirements ${what}: ${ids.join(' ')}`] : []
}

/**
 * A test belongs to every id in its name. An id in the title of a group of tests stands for the group, once.
 *
 * @param {NamedTest[]} tests
 */
function assignTests(tests) {
  const known = new Set(requirements.map(({ id }) => id))
  const prefixes = [...new Set(requirements.map(({ id }) => id.split('-')[0]))].join('|')
  const idPattern = new RegExp(`\\b(?:${prefixes})-[A-Z]?\\d+\\b`, 'g')

  /** @type {Map<string, NamedTest[]>} */
  const testsById = new Map()
  /** @type {Set<string>} */
  const unknown = new Set()
  for (const { file, name } of tests) {
    const titles = name.split(' > ')
    for (const [depth, title] of titles.entries()) {
      for (const [id] of title.matchAll(idPattern)) {
        const named = { file, name: titles.slice(0, depth + 1).join(' > ') }
        const others = testsById.get(id) ?? []
        if (!known.has(id)) unknown.add(`${id} is no requirement, but a test names it: ${file}: ${named.name}`)
        else if (!others.some((other) => other.file === file && other.name === named.name)) {
          testsById.set(id, [...others, named])
        }
      }
    }
  }
  return { testsById, unknown }
}

function renderPage() {
  const sections = groups.map(
    ({ title, requirements: rows }) =>
      `## ${title}\n\n| id | level | rule | tests |\n|---|---|---|---|\n${rows.map(renderRow).join('\n')}\n`,
  )
  return `<!-- Written by \`pnpm docs:write\` from docs/requirements.data.json and the names of the tests. Do not edit. -->

# Requirements and their tests

What a client must do by SMART App Launch 2.2 and the OAuth documents under it, and the test that holds each rule.

Levels: SHALL, SHOULD and MAY are the specification's own. *design* is a choice of this library where the specification
leaves one. *server* is a duty of the server that a client has to use or to forgive. *info* is context.

${sections.join('\n')}`
}

/** @param {Requirement} requirement */
function renderRow({ id, level, rule, notTested }) {
  const tests = (testsById.get(id) ?? []).map(({ file, name }) => `[${cell(name)}](../${file})`)
  const more = tests.length > MAX_NAMED ? [`and ${tests.length - MAX_NAMED} more`] : []
  const evidence =
    tests.length > 0
      ? [...tests.slice(0, MAX_NAMED), ...more].join('<br>')
      : notTested === undefined
        ? ''
        : `Not tested: ${cell(notTested)}`
  return `| ${id} | ${level} | ${cell(rule)} | ${evidence} |`
}

function readPage() {
  try {
    return readFileSync(page, 'utf8')
  } catch {
    return undefined
  }
}
