// The tests with random cases, with a new seed and more cases, and the simulations that have a longer form: node scripts/random-tests.mjs [SEED]
// A failure is repeated by its seed.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { workspaceRoot } from './workspace.mjs'

const seed = Number(process.argv[2] ?? Math.floor(Math.random() * 2 ** 31))
const files = ['packages', 'apps'].flatMap((folder) =>
  readdirSync(join(workspaceRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => join(folder, file))
    .filter((file) => /from 'fast-check'|FHIR_AUTH_RUNS_FACTOR/.test(readFileSync(join(workspaceRoot, file), 'utf8'))),
)
console.log(`seed ${seed}: ${files.length} files. To repeat it: node scripts/random-tests.mjs ${seed}`)
const { status } = spawnSync('npx', ['vitest', 'run', '--testTimeout=120000', '-t', '', ...files], {
  cwd: workspaceRoot,
  stdio: 'inherit',
  env: { ...process.env, FHIR_AUTH_SEED: String(seed), FHIR_AUTH_RUNS_FACTOR: '5' },
})
if (status !== 0) console.log(`failed with seed ${seed}`)
process.exit(status ?? 1)
