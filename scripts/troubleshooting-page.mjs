// Writes docs/troubleshooting.md from the tables that the command line gives its advice from, or checks it with --check.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { workspaceRoot } from './workspace.mjs'

const file = join(workspaceRoot, 'docs/troubleshooting.md')
// The tables are TypeScript, which Node 20 does not run.
const bundle = await rolldown({ input: join(workspaceRoot, 'packages/cli/src/advice/troubleshooting.ts') })
const { output } = await bundle.generate({ format: 'esm' })
const { troubleshootingPage } = await import(`data:text/javascript,${encodeURIComponent(output[0].code)}`)
const text = troubleshootingPage()
if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) {
  console.error('docs/troubleshooting.md is out of date. Run `npx -y pnpm@10 docs:write`.')
  process.exitCode = 1
}
