import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { migrationSql } from '../src/index.ts'
import { recommended } from './pools.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('the README shows the migration as it is', () => {
  expect(readme).toContain(`\`\`\`sql\n${migrationSql()}\`\`\``)
})

it('the README recommends the settings that the tests run with', () => {
  const said = readme.replaceAll(/(\d)_(\d)/g, '$1$2')
  for (const [name, value] of Object.entries(recommended)) {
    expect(said).toContain(`\n  ${name}: ${value},\n`)
    expect(said).toContain(`| \`${name}: ${value}\` |`)
  }
})
