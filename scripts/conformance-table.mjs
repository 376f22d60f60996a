// Writes the table of what passes the conformance suite into README.md and docs/adapters.md, between its markers, from
// the JSON report of a test run.
//
//   node scripts/conformance-table.mjs                   run the suite on every host, and write the tables
//   node scripts/conformance-table.mjs REPORT            write them from the report of a run that there was already:
//                                                        vitest run --reporter=json --outputFile=REPORT
//   node scripts/conformance-table.mjs --check [REPORT]  fail when they are not what would be written

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { run } from './run.mjs'
import { readJson, workspaceRoot } from './workspace.mjs'

/**
 * @typedef {object} Host a row of the table
 * @property {string} name as the test gives it to `describeAdapter`
 * @property {string} adapter
 * @property {string} testedWith `{folder}` stands for the version of the package that is installed there
 */

/** @type {Host[]} */
const hosts = [
  { name: 'Express 5', testedWith: 'Express {express/node_modules/express}' },
  { name: 'Express 4', testedWith: 'Express {express/node_modules/express4}' },
  { name: 'Fastify 5', testedWith: 'Fastify {fastify/node_modules/fastify}' },
  { name: 'Nest 12 on Express', testedWith: 'Nest {nest/node_modules/@nestjs/core} on Express' },
  { name: 'Nest 12 on Fastify', testedWith: 'Nest {nest/node_modules/@nestjs/core} on Fastify' },
  { name: 'Nest 11 on Express', testedWith: 'Nest {nest/test/nest-11/node_modules/@nestjs/core} on Express' },
  { name: 'Nest 11 on Fastify', testedWith: 'Nest {nest/test/nest-11/node_modules/@nestjs/core} on Fastify' },
  { name: 'Hono 4 on Node', testedWith: 'Hono {hono/node_modules/hono} on Node' },
  { name: 'Hono 4 on Bun', testedWith: 'Hono {hono/node_modules/hono} on Bun {hono/node_modules/bun}' },
  { name: 'Hono 4 on Deno', testedWith: 'Hono {hono/node_modules/hono} on Deno {hono/node_modules/deno}' },
  { name: 'Hono 4 on workerd', testedWith: 'Hono {hono/node_modules/hono} on workerd {hono/node_modules/workerd}' },
].map((host) => ({ ...host, adapter: `\`@fhir-auth/${host.name.split(' ')[0]?.toLowerCase()}\`` }))
/** @type {Host[]} */
const examples = [
  {
    name: 'Koa 3',
    testedWith: 'Koa {conformance/node_modules/koa}',
    adapter: '[the one of this page](../packages/conformance/test/koa-adapter.ts)',
  },
  {
    name: 'core on node:http',
    testedWith: '`node:http`, without a framework',
    adapter: '[the least that passes](../packages/conformance/test/plain-adapter.ts)',
  },
]

const [report] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const { counts, problems } = countCases(report === undefined ? runSuite() : readJson(report))
if (problems.length === 0) {
  writeTable('README.md', hosts)
  writeTable('docs/adapters.md', [...hosts, ...examples])
}
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0

/** Runs the tests that call `describeAdapter`. */
function runSuite() {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-auth-conformance-'))
  const output = join(folder, 'report.json')
  const files = ['conformance.test', 'conformance-nest', 'runtimes.test', 'koa.test']
  try {
    run('node_modules/.bin/vitest', ['run', ...files, '--reporter=json', `--outputFile=${output}`])
    return readJson(output)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * @typedef {{ status: string, title: string, ancestorTitles: string[] }} TestResult
 * @typedef {{ passed: number, skipped: number }} Count
 * @param {{ testResults: { name: string, assertionResults: TestResult[] }[] }} report
 */
function countCases({ testResults }) {
  /** @type {Map<string, Count>} */
  const counts = new Map()
  /** @type {string[]} */
  const problems = []
  for (const { name: file, assertionResults } of testResults) {
    // The samples run parts of the suite too, and so does the search for secrets in telemetry; they are no adapters.
    if (!/^packages\/(?!opentelemetry\/)/.test(relative(workspaceRoot, file))) continue
    // Each host ends with one test that counts its skips. So does nothing else.
    const names = assertionResults
      .filter(({ title, ancestorTitles }) => ancestorTitles.length === 1 && /^skips \d+ cases$/.test(title))
      .map(({ ancestorTitles: [name = ''] }) => name)
    for (const name of names) {
      const cases = assertionResults.filter(({ ancestorTitles }) => ancestorTitles[0] === name)
      const withStatus = (/** @type {string} */ status) => cases.filter((one) => one.status === status).length
      counts.set(name, { passed: withStatus('passed') - 1, skipped: withStatus('skipped') })
      if (withStatus('failed') > 0) problems.push(`${name}: ${withStatus('failed')} cases failed`)
    }
  }
  const expected = [...hosts, ...examples].map(({ name }) => name)
  for (const name of expected) if (!counts.has(name)) problems.push(`${name}: not in the report`)
  for (const name of counts.keys()) {
    if (!expected.includes(name)) problems.push(`${name}: in the report, and not in scripts/conformance-table.mjs`)
  }
  return { counts, problems }
}

/**
 * @param {string} page
 * @param {Host[]} rows
 */
function writeTable(page, rows) {
  const path = join(workspaceRoot, page)
  const before = readFileSync(path, 'utf8')
  const after = before.replace(
    /(<!-- conformance:begin -->\n).*?(<!-- conformance:end -->)/s,
    (_, begin, end) => `${begin}${renderTable(rows)}${end}`,
  )
  if (!after.includes('<!-- conformance:begin -->')) problems.push(`${page} has no place for the table`)
  if (after === before) return
  if (process.argv.includes('--check')) {
    problems.push(`${page} is out of date: run \`node scripts/conformance-table.mjs\``)
  } else {
    writeFileSync(path, after)
  }
}

/** @param {Host[]} rows */
function renderTable(rows) {
  const lines = rows.map(({ name, adapter, testedWith }) => {
    const { passed, skipped } = counts.get(name) ?? { passed: 0, skipped: 0 }
    const versioned = testedWith.replace(/\{(.+?)\}/g, (_, folder) => installedVersion(folder))
    return `| ${adapter} | ${versioned} | ${passed}${skipped > 0 ? `, ${skipped} skipped` : ''} |\n`
  })
  return `| adapter | tested with | cases passed |\n|---|---|---|\n${lines.join('')}`
}

/**
 * @param {string} folder below `packages/`
 * @returns {string}
 */
function installedVersion(folder) {
  return readJson(join(workspaceRoot, 'packages', folder, 'package.json')).version
}
