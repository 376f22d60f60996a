import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { root } from './repository.mjs'

// What core itself knows of its errors. The files are TypeScript, which Node 20 does not run, and import types only.

/** @type {{ errorCodes: readonly string[] }} */
const { errorCodes } = await valuesOf('packages/core/src/errors.ts')
/** @typedef {{ title: string, text: string }} SituationText */
/** @type {{ ENGLISH_TEXTS: Record<string, SituationText>, situationOf: (error: { code: string, status: number, error: string }) => string }} */
const { ENGLISH_TEXTS, situationOf } = await valuesOf('packages/core/src/web/visitor-texts.ts')

export { errorCodes }

/**
 * What the page of a visitor says about an error.
 *
 * @param {string} code
 * @param {number} status
 * @returns {SituationText}
 */
export function visitorText(code, status) {
  const text = ENGLISH_TEXTS[situationOf({ code, status, error: 'invalid_client' })]
  if (text === undefined) throw new Error(`${code} has no text for visitors.`)
  return text
}

/** @type {(file: string) => Promise<any>} */
function valuesOf(file) {
  const { outputText } = ts.transpileModule(readFileSync(join(root, file), 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
  })
  return import(`data:text/javascript,${encodeURIComponent(outputText)}`)
}
