import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { everyCombination } from '../src/choices.ts'
import { renderApp } from '../src/render-app.ts'
import { writeApp } from '../src/write-app.ts'

const workspaceRoot = fileURLToPath(new URL('../../../', import.meta.url))
const apps = everyCombination().map((answers) => ({ answers, files: renderApp({ ...answers, name: 'my-app' }) }))
const folder = mkdtempSync(join(tmpdir(), 'rendered-apps-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('each of the apps that can be chosen', () => {
  it('is one of 216, and no two are alike', () => {
    expect(apps).toHaveLength(4 * 6 * 3 * 3)
    expect(new Set(apps.map(({ files }) => JSON.stringify([...files]))).size).toBe(216)
  })

  it('has no placeholder and no directive left', () => {
    const left = apps.flatMap(({ answers, files }) =>
      [...files]
        .filter(([, text]) => /\{\{|\}\}|^\s*(?:\/\/|#|<!--)\s*#(?:if|end|only)/m.test(text.replace(/\$\{\{/g, '')))
        .map(([path]) => ({ ...answers, path })),
    )
    expect(left).toEqual([])
  })

  it('imports only files that it has, and packages that its manifest names', () => {
    const missing = apps.flatMap(({ answers, files }) => {
      const { dependencies, devDependencies } = JSON.parse(files.get('package.json') ?? '')
      return importsOf(files)
        .filter(({ path, specifier }) => {
          if (specifier.startsWith('node:')) return false
          if (specifier.startsWith('.')) return !files.has(join(path, '..', specifier))
          const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
          // What is built runs without the packages for development.
          return !(name in dependencies || (!path.startsWith('src/') && name in devDependencies))
        })
        .map((found) => ({ ...answers, ...found }))
    })
    expect(missing).toEqual([])
  })

  it('keeps no file that nothing uses', () => {
    const unused = apps.flatMap(({ answers, files }) => {
      const used = new Set(importsOf(files).map(({ path, specifier }) => join(path, '..', specifier)))
      const entries = ['src/server.ts', 'dev/main.ts']
      return [...files.keys()]
        .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !entries.includes(path))
        .filter((path) => !used.has(path))
        .map((path) => ({ ...answers, path }))
    })
    expect(unused).toEqual([])
  })

  it('names in .env.example each variable that its code reads, and no other', () => {
    for (const { answers, files } of apps) {
      const code = [...files].filter(([path]) => path.startsWith('src/')).map(([, text]) => text)
      const read = new Set(code.flatMap((text) => [...text.matchAll(/\benv\.([A-Z_]+)/g)].map(([, name]) => name)))
      const named = new Set([...(files.get('.env.example') ?? '').matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name))
      expect([...named].sort(), JSON.stringify(answers)).toEqual([...read].sort())
    }
  })

  it('has no any, no non-null assertion, and no secret', () => {
    for (const { files } of apps) {
      const code = [...files]
        .filter(([path]) => path.endsWith('.ts'))
        .map(([, text]) => text)
        .join('\n')
      expect(code).not.toMatch(/: any\b|as any\b|\w!\./)
      expect(files.get('.env.example')).not.toMatch(/^(?:CLIENT_SECRET|SESSION_SECRET|STAFF_TOKEN|PRIVATE_JWKS)=./m)
      expect(files.get('.gitignore')).toMatch(/^\.env$/m)
    }
  })

  it('is formatted and without a finding by the rules of this workspace', async () => {
    const { formatter, javascript } = JSON.parse(readFileSync(join(workspaceRoot, 'biome.json'), 'utf8'))
    const decorators = { parser: { unsafeParameterDecoratorsEnabled: true } }
    const linter = { rules: { preset: 'recommended', style: { noNonNullAssertion: 'error' } } }
    const markdown = { formatter: { enabled: false } }
    const settings = { root: true, formatter, markdown, javascript: { ...javascript, ...decorators }, linter }
    writeFileSync(join(folder, 'biome.json'), JSON.stringify(settings))
    // Most files are the same in many apps: each is looked at once.
    const distinct = new Map(apps.flatMap(({ files }) => [...files].map((file) => [file.join(), file] as const)))
    for (const [index, [path, text]] of [...distinct.values()].entries()) {
      await writeApp(join(folder, 'files', String(index)), new Map([[path, text]]))
    }
    const biome = join(workspaceRoot, 'node_modules/.bin/biome')
    execFileSync(biome, ['check', '--error-on-warnings', '--max-diagnostics=5', 'files'], {
      cwd: folder,
      stdio: 'pipe',
    })
  })
})

/** What each file imports. */
function importsOf(files: ReadonlyMap<string, string>): { path: string; specifier: string }[] {
  return [...files]
    .filter(([path]) => path.endsWith('.ts'))
    .flatMap(([path, text]) =>
      [...text.matchAll(/^import (?:[^']* from )?'([^']+)'/gm)].map(([, specifier = '']) => ({ path, specifier })),
    )
}
