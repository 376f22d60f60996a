import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { publishablePackages } from '../scripts/workspace.mjs'

const readmes = publishablePackages().map(({ folder, manifest }) => ({
  name: manifest.name,
  isAdapter: ['express', 'fastify', 'hono', 'nest'].includes(basename(folder)),
  readme: readFileSync(join(folder, 'README.md'), 'utf8'),
}))

describe('a reader finds the same things at the same place in every README', () => {
  it.each(readmes)('$name says first what it is for, then how to install it', ({ name, readme }) => {
    const [title, blank, purpose] = readme.split('\n')
    expect(title).toBe(`# ${name}`)
    expect(blank).toBe('')
    expect(purpose).toMatch(/^\w.{40,}/)
    expect(headingsOf(readme)[0]).toBe('Install')
  })

  it.each(readmes)('$name shows a complete example next, and ends with security and versions', ({ readme }) => {
    const headings = headingsOf(readme)
    expect(headings[1]).toMatch(/^A (complete|job)/)
    expect(headings).toContain('Security notes')
    expect(headings.at(-1)).toBe('Supported versions')
    expect(readme.split('\n## Supported versions\n')[1]).toContain('Node `^20.19.0 || ^22.12.0 || >=24`')
  })

  it.each(readmes.filter(({ isAdapter }) => isAdapter))('$name has the headings of an adapter', ({ readme }) => {
    expect(headingsOf(readme)).toEqual([
      'Install',
      'A complete app',
      'What it adds to the request',
      'Options',
      'Errors',
      'Security notes',
      'Supported versions',
    ])
  })

  it('a line that begins like a heading inside a block of code is none', () => {
    expect(headingsOf('## One\n```sh\n## two\n```\n### Three\n## Four\n')).toEqual(['One', 'Four'])
  })
})

function headingsOf(markdown: string): string[] {
  const prose = markdown.replace(/^```.*?^```$/gms, '')
  return [...prose.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading)
}
