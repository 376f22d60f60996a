import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GROUPS } from './pages.mjs'
import { root } from './repository.mjs'

/** The table of contents for language models (llmstxt.org): each page with its first sentence. */
export function llmsText() {
  const lines = [
    '# fhir-auth',
    '',
    '> SMART on FHIR authorization for Node servers: user launches and backend services for Express, Fastify, Nest and Hono.',
  ]
  for (const { title, pages } of GROUPS) {
    lines.push('', `## ${title}`, '')
    for (const { from, to } of pages) {
      const markdown = readFileSync(join(root, from), 'utf8')
      const [, heading = to] = /^# (.+)$/m.exec(markdown) ?? []
      lines.push(`- [${heading}](/${to.replace(/(^|\/)index$/, '$1')}): ${firstSentence(markdown)}`)
    }
  }
  lines.push(
    '',
    '## API',
    '',
    '- [API reference](/api/): each name that a package exports, with its signature and its documentation.',
  )
  return `${lines.join('\n')}\n`
}

/** @type {(markdown: string) => string} */
function firstSentence(markdown) {
  const paragraph = markdown.split(/\n{2,}/).find((part) => /^(?!```)[A-Z`*[]/.test(part.trim())) ?? ''
  const text = paragraph.replace(/\s+/g, ' ').replace(/\[([^\]]+)\]\([^)]+\)/g, '$1')
  const [sentence = text] = /^.+?\.(?= |$)/.exec(text) ?? []
  return sentence
}
