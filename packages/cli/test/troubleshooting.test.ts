import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { SECTIONS, troubleshootingPage } from '../src/advice/troubleshooting.ts'

const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const all = SECTIONS.flatMap(({ advice }) => advice)

describe('docs/troubleshooting.md', () => {
  test('is what the tables of the command say: npx -y pnpm@10 docs:write', () => {
    expect(read('docs/troubleshooting.md') === troubleshootingPage()).toBe(true)
  })

  test.each(all)(
    '$sees: has a cause, a remedy, and a test that produces it',
    ({ cause, remedies, test: [file, title] }) => {
      expect(cause).toMatch(/^\S.*\.$/)
      expect(remedies.length).toBeGreaterThan(0)
      expect(read(file)).toContain(title)
    },
  )

  test('each command that it names is one that there is', () => {
    const commands = all.flatMap(({ remedies }) => remedies.flatMap((text) => text.match(/fhir-auth \w+/g) ?? []))
    const known = ['discover', 'jwks', 'keygen', 'token', 'doctor'].map((name) => `fhir-auth ${name}`)
    expect(commands.length).toBeGreaterThan(5)
    expect(commands.filter((command) => !known.includes(command))).toEqual([])
  })

  test('is linked from where people look', () => {
    for (const page of ['README.md', 'docs/errors.md', 'packages/cli/README.md']) {
      expect(read(page)).toContain('troubleshooting.md')
    }
  })
})
