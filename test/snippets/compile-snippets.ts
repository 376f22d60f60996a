import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { workspacePackages, workspaceRoot } from '../../scripts/workspace.mjs'
import type { Snippet } from './extract-snippets.ts'

export interface SnippetError {
  /** The snippet that does not compile; undefined for an error elsewhere, such as in a package's source. */
  place: string | undefined
  /** `file:line: message`, in terms of the page that holds the snippet */
  message: string
}

/** Compiles all snippets, each as a module of its own, in one run of tsc against the sources of this workspace. */
export function compileSnippets(snippets: Snippet[]): SnippetError[] {
  if (snippets.length === 0) return []
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'fhir-auth-snippets-')))
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
    linkDependencies(join(folder, 'node_modules'))
    for (const [index, { lines }] of snippets.entries()) {
      writeFileSync(join(folder, `snippet-${index}.ts`), lines.map(({ text }) => text).join('\n'))
    }
    const tsc = join(workspaceRoot, 'node_modules/.bin/tsc')
    const { stdout, stderr, status } = spawnSync(tsc, ['-p', folder, '--pretty', 'false'], {
      encoding: 'utf8',
      cwd: folder,
    })
    const errors = stdout.split('\n').flatMap((row) => readError(row, snippets))
    if (status !== 0 && errors.length === 0) throw new Error(`tsc failed.\n${stdout}${stderr}`)
    return errors
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const tsconfig = {
  extends: join(workspaceRoot, 'tsconfig.base.json'),
  compilerOptions: {
    noEmit: true,
    declaration: false,
    isolatedDeclarations: false,
    // A snippet shows a thing without using it.
    noUnusedLocals: false,
    noUnusedParameters: false,
    // Nest's, with decorators of parameters.
    experimentalDecorators: true,
    // Some are for pages.
    lib: ['ES2022', 'DOM', 'DOM.Iterable'],
    types: ['node'],
  },
  include: ['snippet-*.ts'],
}

/** A snippet may import this workspace's packages and whatever one of them depends on. */
function linkDependencies(target: string): void {
  const link = (name: string, source: string): void => {
    if (existsSync(join(target, name)) || !existsSync(source)) return
    mkdirSync(dirname(join(target, name)), { recursive: true })
    symlinkSync(realpathSync(source), join(target, name))
  }
  for (const { folder, manifest } of workspacePackages()) link(manifest.name, folder)
  for (const modules of [workspaceRoot, ...workspacePackages().map(({ folder }) => folder)]) {
    for (const name of installedPackages(join(modules, 'node_modules'))) link(name, join(modules, 'node_modules', name))
  }
}

function installedPackages(modules: string): string[] {
  if (!existsSync(modules)) return []
  return readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((sub) => `${name}/${sub}`) : [name],
    )
}

function readError(row: string, snippets: Snippet[]): SnippetError[] {
  const parsed = /^(.+?)\((\d+),\d+\): error (TS\d+: .*)$/.exec(row)
  if (parsed === null) return []
  const [, file = '', line = '', text = ''] = parsed
  const snippet = snippets[Number(/snippet-(\d+)\.ts$/.exec(file)?.[1])]
  if (snippet === undefined) {
    return [{ place: undefined, message: `${relative(workspaceRoot, file)}:${line}: ${text}` }]
  }
  const origin = snippet.lines[Number(line) - 1] ?? snippet.lines.at(-1)
  return [{ place: snippet.place, message: `${origin?.file}:${origin?.line}: ${text}` }]
}
