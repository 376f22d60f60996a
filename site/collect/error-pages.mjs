import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { visitorText } from './core-values.mjs'
import { GROUPS } from './pages.mjs'
import { root } from './repository.mjs'

// One page for each error code, put together from what stands elsewhere: its row in docs/errors.md, the rows that name it in
// docs/troubleshooting.md, the visitor's text in core, and the guides that mention it.

/** Pages that name nearly every code, or that nobody reads to learn about one. */
const NO_GUIDES = ['docs/errors.md', 'docs/troubleshooting.md', 'docs/requirements.md', 'docs/performance.md']

/** @returns {{ code: string, markdown: string }[]} as if the page stood in `docs`, with its links */
export function errorPages() {
  const errors = read('docs/errors.md')
  const causes = sectionsOf(read('docs/troubleshooting.md'))
  const exceptions = itemsOf(errors)
  const guides = GROUPS.flatMap(({ pages }) => pages)
    .filter(({ from }) => !NO_GUIDES.includes(from))
    .map((page) => ({ ...page, markdown: read(page.from) }))

  return rowsOf(sectionsOf(errors).find(({ title }) => title === 'Codes')?.text ?? '').map((row) => {
    const [cell = '', status = '', happened = '', remedy = ''] = row
    const [, code = ''] = /`(\w+)`$/.exec(cell) ?? []
    const named = `\`${code}\``
    const visitor = visitorText(code, Number(status))
    const exception = exceptions.find((item) => item.startsWith(named))
    const rows = causes.flatMap(({ text }) => rowsOf(text)).filter(([sees = '']) => sees.includes(named))
    const sections = causes.filter(({ text }) => text.includes(named))
    const mentions = guides.filter(({ markdown }) => markdown.includes(named))
    const parts = [
      `# ${named}`,
      inErrors(happened),
      `HTTP status **${status}**.${exception === undefined ? '' : ` ${exception}`}`,
      `## What to do\n\n${inErrors(remedy)}`,
      rows.length === 0
        ? ''
        : `## Causes\n\n| you see | because | do |\n|---|---|---|\n${rows.map(causeRow).join('\n')}`,
      sections.length === 0 ? '' : `Similar cases: ${sections.map(sectionLink).join('; ')}.`,
      '## What a visitor reads',
      `Where a browser gets a page about it, [the page](problems.md#the-visitors-page) says:`,
      `> **${visitor.title}**\n>\n> ${visitor.text}`,
      mentions.length === 0 ? '' : `## Guides that name it\n\n${mentions.map(guideLink).join('\n')}`,
      '[All error codes](errors.md)',
    ]
    return { code, markdown: `${parts.filter((part) => part !== '').join('\n\n')}\n` }
  })
}

/** Links each code of the table to its page. @type {(markdown: string) => string} */
export function withLinkedCodes(markdown) {
  return markdown.replace(
    /^(\| <a id="(\w+)"><\/a>)`\2`/gm,
    (_row, anchor, code) => `${anchor}[\`${code}\`](./${code}.md)`,
  )
}

/** @type {(path: string) => string} */
function read(path) {
  return readFileSync(join(root, path), 'utf8')
}

/** @type {(markdown: string) => { title: string, text: string }[]} */
function sectionsOf(markdown) {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((section) => ({ title: section.split('\n')[0] ?? '', text: section }))
}

/** The rows of a table, as cells. @type {(markdown: string) => string[][]} */
function rowsOf(markdown) {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
}

/** The items of the lists of a page, each as one line. @type {(markdown: string) => string[]} */
function itemsOf(markdown) {
  return [...markdown.matchAll(/^- ((?:.+\n)(?: {2}.+\n)*)/gm)].map(([, item = '']) => item.replace(/\s+/g, ' ').trim())
}

/** @type {(text: string) => string} */
function inErrors(text) {
  return text.replaceAll('](#', '](errors.md#')
}

/** The row without the link to its test. @type {(row: string[]) => string} */
function causeRow(row) {
  return `| ${row.map((cell) => cell.replace(/ \[Test\]\([^)]*\)$/, '')).join(' | ')} |`
}

/** @type {(section: { title: string }) => string} */
function sectionLink({ title }) {
  return `[${title}](troubleshooting.md#${title.toLowerCase().replaceAll(' ', '-')})`
}

/** @type {(page: { title: string, from: string }) => string} */
function guideLink({ title, from }) {
  return `- [${title}](../${from})`
}
