import { join } from 'node:path'
import { publishablePackages } from '../workspace.mjs'
import { declarationsOf } from './declarations.mjs'

/** @typedef {import('./declarations.mjs').Declaration} Declaration */

export const WRITE_COMMAND = 'npx -y pnpm@10 public-face'

/** @returns {{ name: string, file: string, text: string }[]} one for each package that is published */
export function publicFaces() {
  return publishablePackages().map(({ folder, manifest }) => {
    const doors = Object.entries(manifest.exports ?? {}).flatMap(([subpath, entry]) => {
      const source = typeof entry === 'string' ? undefined : entry['@fhir-auth/source']
      return source === undefined ? [] : [{ name: manifest.name + subpath.slice(1), file: join(folder, source) }]
    })
    return { name: manifest.name, file: join(folder, 'public-face.txt'), text: faceOf(manifest.name, doors) }
  })
}

/**
 * @param {string} packageName
 * @param {{ name: string, file: string }[]} doors
 */
function faceOf(packageName, doors) {
  const faces = doors.map(({ name, file }) => ({ name, ...exportsOf(file) }))
  const named = faces.flatMap(({ declarations }) => declarations)
  const sections = faces.map(({ name, declarations, others }) =>
    [`## ${name}`, ...others, ...declarations.map(({ text }) => text)].join('\n\n'),
  )
  const reached = reachedFrom(named)
  if (reached.length > 0) {
    sections.push(['## Types that those are made of, without a name of their own', ...texts(reached)].join('\n\n'))
  }
  return `# What ${packageName} exports. Written by \`${WRITE_COMMAND}\`.\n\n${sections.join('\n\n')}\n`
}

/** @param {Declaration[]} declarations */
function texts(declarations) {
  return declarations.map(({ text }) => text).sort()
}

/**
 * @param {string} file
 * @returns {{ declarations: Declaration[], others: string[] }}
 */
function exportsOf(file) {
  const { exports, everythingOf, augmentations } = declarationsOf(file)
  /** @type {Declaration[]} */
  const declarations = []
  const others = everythingOf.map((source) => `export * from '${source}'`)
  const files = new Set([file])
  for (const [name, target] of [...exports].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if ('external' in target) {
      others.push(`export { ${name} } from '${target.external}'`)
      continue
    }
    const found = find(target.file, target.name)
    if (!found) throw new Error(`${file} exports ${name}, which ${target.file} does not declare.`)
    declarations.push(found)
    files.add(found.file)
  }
  others.push(...augmentations, ...[...files].slice(1).flatMap((from) => declarationsOf(from).augmentations))
  return { declarations, others }
}

/**
 * Every type of this package that these are made of, and that no door names.
 *
 * @param {Declaration[]} named
 * @returns {Declaration[]}
 */
function reachedFrom(named) {
  const seen = new Set(named)
  for (const declaration of seen) {
    for (const name of declaration.uses) {
      const used = find(declaration.file, name)
      if (used) seen.add(used)
    }
  }
  return [...seen].filter((declaration) => !named.includes(declaration))
}

/**
 * What a name stands for in a module; undefined for a global, a type parameter, or what comes from another package.
 *
 * @param {string} file
 * @param {string} name
 * @returns {Declaration | undefined}
 */
function find(file, name) {
  const { declarations, imports, exports } = declarationsOf(file)
  const own = declarations.get(name)
  if (own) return own
  const target = imports.get(name) ?? exports.get(name)
  return target === undefined || 'external' in target ? undefined : find(target.file, target.name)
}
