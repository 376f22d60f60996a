import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { appManifest } from './app-manifest.ts'
import type { Answers, AppChoices } from './choices.ts'
import { fillTemplate } from './template.ts'
import { templateInput } from './template-input.ts'

const packageFolder = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Of this package, and so of all packages of fhir-auth: they are released together. */
export function ownVersion(): string {
  return JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version
}

/**
 * The files of an app, by their paths. It is put together from what all apps share, what its framework needs, and what its
 * store needs. Inside of a file, directives choose by kind and vendor.
 */
export function renderApp(answers: AppChoices & Pick<Answers, 'name'>): ReadonlyMap<string, string> {
  const input = templateInput(answers)
  const files = new Map<string, string>()
  files.set('package.json', `${JSON.stringify(appManifest(answers, ownVersion()), null, 2)}\n`)
  for (const part of ['shared', answers.framework, answers.store]) {
    const folder = join(packageFolder, 'templates', part)
    for (const path of filesIn(folder)) {
      const text = fillTemplate(readFileSync(join(folder, path), 'utf8'), input)
      if (text !== undefined) files.set(targetOf(path), text)
    }
  }
  return files
}

/** npm leaves `.gitignore` out of a package, so the templates have other names for such files. */
function targetOf(path: string): string {
  return path.split(sep).join('/').replace(/^_/, '.')
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [] // the store in memory needs no file of its own
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}
