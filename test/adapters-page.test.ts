import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { workspaceRoot } from '../scripts/workspace.mjs'
import { extractSnippets } from './snippets/extract-snippets.ts'

describe('docs/adapters.md and the adapter that was written by it do not drift apart', () => {
  // Each block goes on from the one before it: the last one has all of them, the one before it the whole adapter.
  const [everything = [], adapter = []] = extractSnippets('docs/adapters.md', read('docs/adapters.md'))
    .map(({ lines }) => lines.map(({ text }) => text))
    .reverse()
  const host = everything.slice(adapter.length)

  it('its blocks are the adapter', () => {
    const adapterFile = read('packages/conformance/test/koa-adapter.ts').split('\n').slice(1)
    expect(withoutBlanks(adapter)).toEqual(withoutBlanks(adapterFile))
  })

  it('its last block is the test, which imports the adapter besides', () => {
    const testFile = read('packages/conformance/test/koa.test.ts').split('\n')
    expect(withoutBlanks(host)).toEqual(withoutBlanks(testFile).filter((line) => !/'\.\/koa-adapter/.test(line)))
  })

  it('the adapter has less than 140 lines', () => {
    expect(read('packages/conformance/test/koa-adapter.ts').split('\n').length).toBeLessThan(140)
  })
})

function withoutBlanks(lines: string[]): string[] {
  return lines.filter((line) => line.trim() !== '')
}

function read(path: string): string {
  return readFileSync(join(workspaceRoot, path), 'utf8')
}
