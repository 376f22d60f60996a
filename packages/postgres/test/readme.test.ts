import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { migrationSql } from '../src/index.ts'
import { recommended } from './pools.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

it('the README shows the migration as it is', () => {
  expect(readme).toContain(`\`\`\`sql\n${migrationSql()}\`\`\``)
})

it('the README recommends the settings that the tests run with', () => {
  for (const [name, value] of Object.entries(recommended)) {
    expect(readme).toContain(`\n  ${name}: ${value},\n`.replace(/(\d)(\d{3}),/, '$1$2,'))
    expect(readme).toContain(`| \`${name}: ${value}\` |`)
  }
})
