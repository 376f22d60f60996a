import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { workspacePackages, workspaceRoot } from '../scripts/workspace.mjs'
import { compileSnippets, type SnippetError } from './snippets/compile-snippets.ts'
import { extractSnippets } from './snippets/extract-snippets.ts'

const packageFolders = workspacePackages().map(({ folder }) => relative(workspaceRoot, folder))
const pages = [
  'README.md',
  ...filesIn('docs', '.md'),
  ...packageFolders.flatMap((folder) => [`${folder}/README.md`, ...filesIn(`${folder}/src`, '.ts')]),
].filter((page) => existsSync(join(workspaceRoot, page)))

describe('every TypeScript block in a page or a doc comment compiles', () => {
  const snippets = pages.flatMap((page) => extractSnippets(page, readFileSync(join(workspaceRoot, page), 'utf8')))
  let errors: SnippetError[]
  beforeAll(() => {
    errors = compileSnippets(snippets)
  })

  it.each(snippets)('$place', ({ place }) => {
    expect(errors.filter((error) => error.place === place).map(({ message }) => message)).toEqual([])
  })

  it('against sources that compile', () => {
    expect(errors.filter((error) => error.place === undefined).map(({ message }) => message)).toEqual([])
  })
})

describe('a block is found and judged', () => {
  it('an error is reported at its own line, and a continued block sees the names of the one before', () => {
    const page = [
      'Text.',
      '```ts',
      "import { type Request } from 'express'",
      'const path = (request: Request): string => request.path',
      '```',
      '- a list',
      '  ```ts continued',
      '  const length: string = path',
      '  ```',
      '```ts',
      'const stranger = path',
      '```',
    ].join('\n')
    const errors = compileSnippets(extractSnippets('page.md', page))
    expect(errors).toEqual([
      { place: 'page.md:8', message: expect.stringMatching(/^page\.md:8: TS2322: /) },
      { place: 'page.md:11', message: expect.stringMatching(/^page\.md:11: TS2304: .*'path'/) },
    ])
  })

  it('a doc comment is searched, code is not', () => {
    const source = '/**\n * @example\n * ```ts\n * const a = 1\n * ```\n */\nconst fence = "```ts"\n'
    expect(
      extractSnippets('source.ts', source).map(({ place, lines }) => [place, lines.map(({ text }) => text)]),
    ).toEqual([['source.ts:4', ['const a = 1']]])
  })

  it('no-check wants its reason', () => {
    const block = '```ts no-check\nconst = 1\n```'
    expect(() => extractSnippets('page.md', block)).toThrow('page.md:2: no-check needs a reason above it')
    expect(extractSnippets('page.md', `<!-- no-check: shows a mistake -->\n${block}`)).toEqual([])
  })

  it('a block that is left open or continues nothing is refused', () => {
    expect(() => extractSnippets('page.md', '```ts\nconst a = 1')).toThrow('page.md:1: the block is not closed')
    expect(() => extractSnippets('page.md', '```ts continued\n```')).toThrow('page.md:2: there is no block to continue')
  })
})

function filesIn(folder: string, extension: string): string[] {
  if (!existsSync(join(workspaceRoot, folder))) return []
  return readdirSync(join(workspaceRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => `${folder}/${name}`)
}
