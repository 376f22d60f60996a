// Hostile random input to all that reads what comes from outside: node scripts/fuzz.mjs [SEED]
//
// Counts per surface: inputs; accepted, by which an attacker would have gained something; crashes; the slowest answer.
// Fails unless nothing was accepted, nothing crashed, and no answer took a second.
import { spawnSync } from 'node:child_process'
import { workspaceRoot } from './workspace.mjs'

const RUNS_PER_SURFACE = 16_000
const MAX_MS = 1000

const seed = Number(process.argv[2] ?? Math.floor(Math.random() * 2 ** 31))
console.log(`seed ${seed}. To repeat it: node scripts/fuzz.mjs ${seed}`)
const { stdout, stderr, status } = spawnSync(
  'npx',
  ['vitest', 'run', 'packages/core/test/fuzz', '--reporter=verbose'],
  {
    cwd: workspaceRoot,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, FHIR_AUTH_SEED: String(seed), FHIR_AUTH_FUZZ_RUNS: String(RUNS_PER_SURFACE) },
  },
)
/** @type {{ name: string, inputs: number, accepted: number, crashes: number, slowestMs: number }[]} */
const counts = [...stdout.matchAll(/fuzz (\{.*\})/g)].map(([, line = '']) => JSON.parse(line))
const total = counts.reduce((sum, { inputs }) => sum + inputs, 0)
console.table(counts)
console.log(`${total} inputs`)
const isGood = counts.every(({ accepted, crashes, slowestMs }) => accepted + crashes === 0 && slowestMs < MAX_MS)
if (status !== 0) console.log(stdout + stderr)
process.exit(status === 0 && total > 0 && isGood ? 0 : 1)
