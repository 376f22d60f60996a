import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { backend } from './parts/backend.ts'
import { imports } from './parts/imports.ts'
import { installation } from './parts/install.ts'
import { memory } from './parts/memory.ts'
import { middleware } from './parts/middleware.ts'
import { postgres } from './parts/postgres.ts'
import { proxy } from './parts/proxy.ts'
import { redis } from './parts/redis.ts'
import { sessions } from './parts/sessions.ts'
import { tenants } from './parts/tenants.ts'
import { FRAMEWORKS, type Framework } from './servers/frameworks.ts'
import { machine } from './support/machine.ts'
import { page, section } from './support/page.ts'
import { pinDriver } from './support/pinned-process.ts'
import type { Part, PartReport } from './support/report.ts'

const PARTS: Readonly<Record<string, Part>> = {
  middleware,
  sessions,
  redis,
  postgres,
  backend,
  imports,
  install: installation,
  memory,
  tenants,
  proxy,
}
const USAGE = `npx -y pnpm@10 bench [part…] [--framework name…] [--rounds 5] [--seconds 4] [--write]

Parts: ${Object.keys(PARTS).join(', ')}; all of them unless named. Frameworks: ${FRAMEWORKS.join(', ')}.
A run of all parts and frameworks writes docs/performance.md; --write makes a shorter run write what it has measured.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    framework: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
const unknown = [
  ...positionals.filter((name) => !(name in PARTS)),
  ...(values.framework ?? []).filter((name) => !FRAMEWORKS.includes(name as Framework)),
]
if (values.help || unknown.length > 0 || !(rounds >= 3) || !(seconds > 0)) {
  const problem = unknown.length > 0 ? `Unknown: ${unknown.join(', ')}.\n\n` : ''
  console.error(values.help ? USAGE : `${problem}${USAGE}\nA spread needs 3 rounds at least.`)
  process.exit(values.help ? 0 : 2)
}

const frameworks = (values.framework ?? FRAMEWORKS) as Framework[]
const names = positionals.length > 0 ? positionals : Object.keys(PARTS)
const reports = new Map<Part, PartReport>()
pinDriver()
console.log(machine())
for (const name of names) {
  const part = PARTS[name]
  if (!part) continue
  console.error(`Measuring: ${part.title} …`)
  const report = await part.measure({ rounds, seconds, frameworks })
  reports.set(part, report)
  console.log(`\n${section(part.title, report)}`)
}

const isWhole = positionals.length === 0 && values.framework === undefined
if (isWhole || values.write) {
  const file = new URL('../../docs/performance.md', import.meta.url)
  const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined
  writeFileSync(file, page(Object.values(PARTS), reports, before))
  console.error('Wrote docs/performance.md.')
}
process.exit(0) // autocannon leaves its timers
