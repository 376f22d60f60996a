import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { workspaceRoot } from '../scripts/workspace.mjs'

// The blocks of docs/testing.md are files of projects that `check:packages` installs and runs.
const page = readFileSync(join(workspaceRoot, 'docs/testing.md'), 'utf8')
const blocks = [...page.matchAll(/^```(?:ts no-check|js) file=(\S+)\n(.*?)^```$/gms)]

it('the page has blocks', () => {
  expect(blocks.length).toBeGreaterThan(5)
})

it.each(blocks.map(([, file = '', text = '']) => [file, text]))('docs/testing.md shows %s as it is', (file, text) => {
  expect(text).toBe(readFileSync(join(workspaceRoot, 'scripts/installed-projects', file), 'utf8'))
})
