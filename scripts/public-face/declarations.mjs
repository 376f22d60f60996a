import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isolatedDeclarationSync } from 'rolldown/experimental'
import { parseSync } from 'rolldown/utils'

/**
 * @typedef {object} Declaration
 * @property {string} file
 * @property {string} name
 * @property {string} text without comments
 * @property {string[]} uses names of the module that it is made of
 */

/** @typedef {{ file: string, name: string } | { external: string }} Target */

/**
 * @typedef {object} Module
 * @property {Map<string, Declaration>} declarations by their names in the module
 * @property {Map<string, Target>} imports by their names in the module
 * @property {Map<string, Target>} exports by the names that others see
 * @property {string[]} everythingOf packages and files of which all is exported
 * @property {string[]} augmentations what is added to other modules
 */

/** @type {Map<string, Module>} */
const modules = new Map()

/**
 * What a source file declares, as `tsc` would write its `.d.ts`.
 *
 * @param {string} file
 * @returns {Module}
 */
export function declarationsOf(file) {
  const known = modules.get(file)
  if (known) return known
  const { code, errors } = isolatedDeclarationSync(file, readFileSync(file, 'utf8'), { stripInternal: true })
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join(' ')}`)
  const module = readModule(file, code)
  modules.set(file, module)
  return module
}

/**
 * @param {string} file
 * @param {string} code
 * @returns {Module}
 */
function readModule(file, code) {
  const { program, comments } = parseSync(`${file.slice(0, -3)}.d.ts`, code)
  /** @type {Module} */
  const module = {
    declarations: new Map(),
    imports: new Map(),
    exports: new Map(),
    everythingOf: [],
    augmentations: [],
  }
  /** @param {{ start: number, end: number }} node */
  const textOf = (node) => withoutComments(code, node, comments)

  for (const statement of /** @type {any[]} */ (program.body)) {
    const { type, source, declaration } = statement
    if (type === 'ImportDeclaration') {
      for (const { local, imported } of statement.specifiers) {
        module.imports.set(local.name, targetOf(file, source.value, imported?.name ?? 'default'))
      }
    } else if (type === 'ExportAllDeclaration') {
      module.everythingOf.push(sourceOf(file, source.value))
    } else if (type === 'ExportNamedDeclaration' && !declaration) {
      for (const { local, exported } of statement.specifiers) {
        const target = source ? targetOf(file, source.value, local.name) : { file, name: local.name }
        module.exports.set(exported.name, target)
      }
    } else if (type === 'TSModuleDeclaration' || type === 'TSGlobalDeclaration') {
      module.augmentations.push(textOf(statement))
    } else {
      for (const name of namesOf(declaration ?? statement)) {
        const earlier = module.declarations.get(name)
        const text = textOf(statement)
        module.declarations.set(name, {
          file,
          name,
          text: earlier ? `${earlier.text}\n${text}` : text,
          uses: [...new Set([...(earlier?.uses ?? []), ...typeNamesIn(statement)])],
        })
        if (declaration) module.exports.set(name, { file, name })
      }
    }
  }
  return module
}

/** @param {any} declaration */
function namesOf(declaration) {
  if (declaration.type === 'VariableDeclaration') {
    return declaration.declarations.map((/** @type {any} */ { id }) => id.name)
  }
  return declaration.id ? [declaration.id.name] : []
}

/**
 * Every name that stands for a type, or for a value whose type is taken.
 *
 * @param {any} node
 * @returns {string[]}
 */
function typeNamesIn(node) {
  if (Array.isArray(node)) return node.flatMap(typeNamesIn)
  if (node === null || typeof node !== 'object') return []
  const { type, typeName, exprName, expression, superClass } = node
  const named = [typeName, exprName, superClass, /Heritage|Implements/.test(type) ? expression : undefined]
  const names = named.flatMap((found) => {
    let first = found
    while (first?.type === 'TSQualifiedName') first = first.left
    return first?.type === 'Identifier' ? [first.name] : []
  })
  return [...names, ...Object.values(node).flatMap(typeNamesIn)]
}

/**
 * @param {string} code
 * @param {{ start: number, end: number }} node
 * @param {{ start: number, end: number }[]} comments
 */
function withoutComments(code, node, comments) {
  let text = ''
  let position = node.start
  for (const { start, end } of comments) {
    if (start < position || end > node.end) continue
    text += code.slice(position, start)
    position = end
  }
  text += code.slice(position, node.end)
  const rows = text.split('\n').map((row) => row.trimEnd())
  return rows
    .filter((row) => row !== '')
    .join('\n')
    .replaceAll('\t', '  ')
    .replaceAll('declare ', '')
}

/**
 * @param {string} file
 * @param {string} specifier
 * @param {string} name
 * @returns {Target}
 */
function targetOf(file, specifier, name) {
  const source = sourceOf(file, specifier)
  return specifier.startsWith('.') ? { file: source, name } : { external: source }
}

/**
 * @param {string} file
 * @param {string} specifier
 */
function sourceOf(file, specifier) {
  return specifier.startsWith('.') ? join(dirname(file), specifier) : specifier
}
