import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { publishablePackages, workspaceRoot } from '../scripts/workspace.mjs'
import { lintSources } from './lint-sources.ts'

// Each source is linted as if it stood at that path. The value is what the linter must say about it; nothing, if empty.
const sources: Record<string, { code: string; refusedBy: string[] }> = {
  // core: Web APIs and jose only
  'packages/core/src/node-protocol.ts': {
    code: `export { readFile } from 'node:fs'`,
    refusedBy: ['correctness/noNodejsModules'],
  },
  'packages/core/src/node-bare-name.ts': {
    code: `export { readFile } from 'fs'`,
    refusedBy: ['correctness/noNodejsModules', 'style/useNodejsImportProtocol'],
  },
  'packages/core/src/node-dynamic.ts': {
    code: `export const fs = await import('node:fs')`,
    refusedBy: ['correctness/noNodejsModules'],
  },
  'packages/core/src/buffer.ts': {
    code: `export const a = Buffer.from('a')`,
    refusedBy: ['style/noRestrictedGlobals'],
  },
  'packages/core/src/process.ts': { code: `export const a = process.env`, refusedBy: ['style/noRestrictedGlobals'] },
  'packages/core/src/require.ts': {
    code: `export const a = require('jose')`,
    refusedBy: ['style/noRestrictedGlobals'],
  },
  'packages/core/src/dirname.ts': {
    code: `export const a = __dirname`,
    refusedBy: ['correctness/noGlobalDirnameFilename', 'style/noRestrictedGlobals'],
  },
  'packages/core/src/framework.ts': {
    code: `export { Router } from 'express'`,
    refusedBy: ['correctness/noUndeclaredDependencies'],
  },
  'packages/core/src/sandbox.ts': {
    code: `export { createSandbox } from '@fhir-auth/sandbox'`,
    refusedBy: ['correctness/noUndeclaredDependencies', 'style/noRestrictedImports'],
  },
  'packages/core/src/jose.ts': { code: `export { SignJWT } from 'jose'`, refusedBy: [] },
  'packages/core/src/jose-subpath.ts': { code: `export { SignJWT } from 'jose/jwt/sign'`, refusedBy: [] },

  // packages know each other by name, and adapters only core
  'packages/express/src/sandbox.ts': {
    code: `export { createSandbox } from '@fhir-auth/sandbox'`,
    refusedBy: ['correctness/noUndeclaredDependencies', 'style/noRestrictedImports'],
  },
  'packages/express/src/other-adapter.ts': {
    code: `export { requireFhir } from '@fhir-auth/fastify'`,
    refusedBy: ['correctness/noUndeclaredDependencies', 'style/noRestrictedImports'],
  },
  'packages/express/src/deep.ts': {
    code: `export { discover } from '@fhir-auth/core/src/discovery/discover.ts'`,
    refusedBy: ['style/noRestrictedImports'],
  },
  'packages/express/src/sideways.ts': {
    code: `export * from '../../core/src/index.ts'`,
    refusedBy: ['style/noRestrictedImports'],
  },
  'packages/express/test/deep.ts': {
    code: `export { discover } from '@fhir-auth/core/src/discovery/discover.ts'`,
    refusedBy: ['style/noRestrictedImports'],
  },
  'packages/express/test/own-source.ts': { code: `export * from '../src/index.ts'`, refusedBy: [] },
  'apps/portal/src/deep.ts': {
    code: `export { smartLaunch } from '@fhir-auth/express/src/smart-launch.ts'`,
    refusedBy: ['style/noRestrictedImports'],
  },
  'packages/express/src/core.ts': { code: `export { discover } from '@fhir-auth/core'`, refusedBy: [] },
  'packages/express/src/peer.ts': { code: `export type { Request } from 'express'`, refusedBy: [] },

  // every package's sources
  'packages/express/src/floating-promise.ts': {
    code: `export async function save(): Promise<void> {}\nsave()`,
    refusedBy: ['nursery/noFloatingPromises'],
  },
  'packages/express/src/any.ts': {
    code: `export const f = (x: any): string => x`,
    refusedBy: ['suspicious/noExplicitAny'],
  },
  'packages/express/src/non-null.ts': {
    code: `export const f = (x?: string): string => x!`,
    refusedBy: ['style/noNonNullAssertion'],
  },
  'packages/express/test/non-null.ts': { code: `export const f = (x?: string): string => x!`, refusedBy: [] },
  'packages/express/src/import-type.ts': {
    code: `import { Request } from 'express'\nexport type R = Request`,
    refusedBy: ['style/useImportType'],
  },
  'packages/express/src/console.ts': { code: `console.log('a')`, refusedBy: ['suspicious/noConsole'] },
  'packages/express/src/bin.ts': { code: `console.log('a')`, refusedBy: [] },
  'packages/express/src/default-export.ts': { code: `export default 1`, refusedBy: ['style/noDefaultExport'] },
  'packages/express/src/camelCase.ts': {
    code: `export const a = 1`,
    refusedBy: ['style/useFilenamingConvention'],
  },
}

describe('the linter keeps the direction of dependencies and the house rules', () => {
  const said = lintSources(Object.fromEntries(Object.entries(sources).map(([path, { code }]) => [path, code])))

  for (const [path, { code, refusedBy }] of Object.entries(sources)) {
    it(`${path} ${refusedBy.length > 0 ? 'is refused' : 'is accepted'}: ${code.replaceAll('\n', '; ')}`, () => {
      expect(said.get(path) ?? []).toEqual(refusedBy)
    })
  }
})

describe('manifests', () => {
  const packages = publishablePackages().map(({ folder, manifest }) => ({
    path: relative(workspaceRoot, folder),
    manifest,
  }))

  it('core depends on jose and nothing else', () => {
    const core = packages.find(({ manifest }) => manifest.name === '@fhir-auth/core')?.manifest
    expect(Object.keys(core?.dependencies ?? {})).toEqual(['jose'])
    expect(core).not.toHaveProperty('peerDependencies')
    expect(core).not.toHaveProperty('optionalDependencies')
  })

  it('all publishable packages carry one version', () => {
    expect(new Set(packages.map(({ manifest }) => manifest.version)).size).toBe(1)
  })

  it.each(packages)('$path says what every package says', ({ path, manifest }) => {
    // `npm create fhir-auth` finds its package by this name only.
    const isStarter = path === 'packages/create-fhir-auth'
    // What a package reads when it runs, and is no code of its own.
    const others = ['assets', 'templates'].filter((folder) => existsSync(join(workspaceRoot, path, folder)))
    const files = [...(manifest.bin === undefined ? [] : ['bin']), 'dist', 'src', ...others]
    expect(manifest).toMatchObject({
      name: isStarter ? 'create-fhir-auth' : `@fhir-auth/${path.replace('packages/', '')}`,
      description: expect.stringMatching(/.{20,}/),
      license: 'Apache-2.0',
      homepage: `https://github.com/fhir-auth/fhir-auth/tree/main/${path}#readme`,
      bugs: { url: 'https://github.com/fhir-auth/fhir-auth/issues' },
      repository: { type: 'git', url: 'git+https://github.com/fhir-auth/fhir-auth.git', directory: path },
      type: 'module',
      sideEffects: false,
      engines: { node: '^20.19.0 || ^22.12.0 || >=24' },
      files,
      publishConfig: { access: 'public', provenance: true },
    })
  })

  it.each(packages)('$path exports sources to this workspace and dist to everyone else', ({ manifest }) => {
    const { './package.json': own, ...entries } = manifest.exports ?? {}
    expect(own).toBe('./package.json')
    expect(Object.keys(entries)).toContain('.')
    for (const entry of Object.values(entries)) {
      const source = typeof entry === 'string' ? '' : (entry['@fhir-auth/source'] ?? '')
      expect(source).toMatch(/^\.\/src\/[a-z0-9/-]+\.ts$/)
      // The order matters: the first condition that applies wins.
      expect(Object.entries(entry)).toEqual([
        ['@fhir-auth/source', source],
        ['types', source.replace('./src/', './dist/').replace(/\.ts$/, '.d.ts')],
        ['default', source.replace('./src/', './dist/').replace(/\.ts$/, '.js')],
      ])
    }
  })

  it.each(packages)('$path takes its siblings by the workspace protocol', ({ manifest }) => {
    const { dependencies, devDependencies, peerDependencies } = manifest
    for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies, ...peerDependencies })) {
      if (name.startsWith('@fhir-auth/')) expect(`${name} ${range}`).toBe(`${name} workspace:^`)
    }
  })
})

describe('sources', () => {
  it('no file has more than 200 lines of code', () => {
    const tooLong = publishablePackages()
      .flatMap(({ folder }) => typeScriptFiles(join(folder, 'src')))
      .map((file) => `${relative(workspaceRoot, file)}: ${linesOfCode(readFileSync(file, 'utf8'))}`)
      .filter((line) => Number(line.split(': ')[1]) > 200)
    expect(tooLong).toEqual([])
  })

  it('lines of code leave out blanks and comments', () => {
    expect(linesOfCode('/**\n * Doc.\n */\n\n// why\nconst a = 1 // here\n/* one */\nconst b = 2\n')).toBe(2)
  })
})

function typeScriptFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
}

function linesOfCode(source: string): number {
  let insideComment = false
  let count = 0
  for (const line of source.split('\n').map((text) => text.trim())) {
    if (!insideComment && line.startsWith('/*')) insideComment = true
    if (!insideComment && line !== '' && !line.startsWith('//')) count++
    if (line.includes('*/')) insideComment = false
  }
  return count
}
