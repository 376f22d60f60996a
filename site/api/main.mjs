import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { Application, Comment, ContainerReflection, ReflectionKind } from 'typedoc'
import { MarkdownPageEvent, MemberRouter } from 'typedoc-plugin-markdown'
import { publishablePackages } from '../../scripts/workspace.mjs'
import { REPOSITORY, root } from '../collect/repository.mjs'

// Writes the API reference: each name that a published package exports, with its doc comment. It reads the sources, so it
// needs no build. TypeDoc does not run on TypeScript 7, so the site has a version 6 of its own.

/** Each entry of a package, except `internal`, which is for packages of this repository only. */
const doors = publishablePackages().flatMap(({ folder, manifest }) =>
  Object.entries(manifest.exports ?? {}).flatMap(([door, conditions]) => {
    const source = typeof conditions === 'object' ? conditions['@fhir-auth/source'] : undefined
    if (source === undefined || door === './internal') return []
    return [{ name: posix.join(manifest.name, door), file: join(folder, source), manifest }]
  }),
)

/** The module of types that exported ones are made of, and that have no export of their own. */
const PARTS = 'parts'

const app = await Application.bootstrapWithPlugins({
  entryPoints: doors.map(({ file }) => file),
  tsconfig: join(root, 'site/api/tsconfig.json'),
  basePath: root,
  plugin: ['typedoc-plugin-markdown', 'typedoc-plugin-missing-exports'],
  readme: 'none',
  out: join(root, 'site/.collected/api'),
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  externalPattern: ['**/node_modules/**'],
  disableGit: true,
  sourceLinkTemplate: `${REPOSITORY}/blob/main/packages/{path}#L{line}`,
  validation: { invalidLink: true, notExported: false },
  logLevel: 'Warn',
  internalModule: PARTS,
  entryFileName: 'index',
  pageTitleTemplates: { module: '{name}', member: '{name}' },
  groupOrder: ['Functions', 'Classes', 'Variables', 'Interfaces', 'Type Aliases', '*', 'Modules'],
  indexFormat: 'table',
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  parametersFormat: 'table',
})
// Places such as /api/core/functions/cookieStore, without the `@fhir-auth/` that they would all have.
app.renderer.defineRouter(
  'short',
  class extends MemberRouter {
    /** @type {MemberRouter['getIdealBaseName']} */
    getIdealBaseName(reflection) {
      return super.getIdealBaseName(reflection).replace(/^@fhir-auth\//, '')
    }
  },
)
app.options.setValue('router', 'short')

// Where a type is defined is said once, and not again for each member; nor is which interface a member comes from.
app.renderer.on(MarkdownPageEvent.END, (/** @type {MarkdownPageEvent} */ page) => {
  const [before = '', first = '', ...others] = (page.contents ?? '')
    .replace(/^#+ Implementation of\n\n.*\n\n?/gm, '')
    .split(/^(?=Defined in: )/m)
  page.contents = before + first + others.map((part) => part.replace(/^.*\n+/, '')).join('')
})

const project = await app.convert()
if (project === undefined) throw new Error('TypeDoc could not read the sources.')
project.name = 'API reference'

removeUnreachedParts(project)
for (const { name, file, manifest } of doors) {
  const module = project.children?.find(({ sources }) => sources?.[0]?.fullFileName === file)
  if (module === undefined) throw new Error(`TypeDoc has no module for ${name}.`)
  module.name = name
  // An adapter exports all of core again: a link says so better than a hundred lines.
  const again = module.getChildrenByKind(ReflectionKind.Reference)
  const isAdapter = again.length > 50
  if (isAdapter) remove(project, again)
  describe(module, name === manifest.name ? manifest.description : firstComment(file))
  if (isAdapter) describe(module, 'It also exports all of [`@fhir-auth/core`](../core/index.md).')
}
app.validate(project)
await app.generateOutputs(project)
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1

/**
 * Keeps those parts that an exported name leads to, also by way of other parts. TypeDoc finds more: what only constructors
 * and members marked `@internal` use.
 *
 * @param {import('typedoc').ProjectReflection} project
 */
function removeUnreachedParts(project) {
  const partsModules = project.getReflectionsByKind(ReflectionKind.Module).filter(({ name }) => name === PARTS)
  const parts = partsModules.flatMap((module) => (module.isDeclaration() ? (module.children ?? []) : []))
  const reached = new Set()
  const next = (project.children ?? []).flatMap(({ children = [] }) =>
    children.filter((child) => !partsModules.includes(child) && child.kind !== ReflectionKind.Reference),
  )
  for (let from = next.pop(); from !== undefined; from = next.pop()) {
    const written = JSON.stringify(app.serializer.toObject(from))
    for (const [, id] of written.matchAll(/"target":(\d+)/g)) {
      const part = ownerOf(project.getReflectionById(Number(id)), parts)
      if (part === undefined || reached.has(part)) continue
      reached.add(part)
      next.push(part)
    }
  }
  remove(
    project,
    parts.filter((part) => !reached.has(part)),
  )
  remove(
    project,
    partsModules.filter((module) => module.isDeclaration() && !module.children?.length),
  )
  for (const module of partsModules) {
    describe(module, 'What the exported types are made of. These names have no export of their own.')
  }
}

/** @type {(from: import('typedoc').Reflection | undefined, parts: import('typedoc').DeclarationReflection[]) => import('typedoc').DeclarationReflection | undefined} */
function ownerOf(from, parts) {
  for (let at = from; at !== undefined; at = at.parent) {
    const part = parts.find((part) => part === at)
    if (part !== undefined) return part
  }
  return undefined
}

/** @type {(project: import('typedoc').ProjectReflection, unwanted: import('typedoc').DeclarationReflection[]) => void} */
function remove(project, unwanted) {
  for (const reflection of unwanted) {
    const { parent } = reflection
    project.removeReflection(reflection)
    if (!(parent instanceof ContainerReflection)) continue
    for (const group of parent.groups ?? []) group.children = group.children.filter((child) => child !== reflection)
    parent.groups = parent.groups?.filter(({ children }) => children.length > 0)
  }
}

/** What an entry's first comment says of it. @type {(file: string) => string | undefined} */
function firstComment(file) {
  const [, first = '', text = ''] = /^\/\/ `[^`]+`: (.)(.+)$/m.exec(readFileSync(file, 'utf8')) ?? []
  return first.toUpperCase() + text.replace(/docs\/([\w-]+)\.md/g, '[$1](/$1)')
}

/** @type {(module: import('typedoc').Reflection, text: string | undefined | false) => void} */
function describe(module, text) {
  if (!text) return
  module.comment ??= new Comment()
  module.comment.summary.push({ kind: 'text', text: `${text}\n\n` })
}
