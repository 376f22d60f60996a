import { mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorPages, withLinkedCodes } from './error-pages.mjs'
import { withSiteLinks } from './links.mjs'
import { llmsText } from './llms.mjs'
import { GROUPS } from './pages.mjs'
import { root } from './repository.mjs'

// Puts together what VitePress builds: the pages of the repository, which stay as GitHub shows them, with links for the site.
const site = join(root, 'site')
const target = join(site, '.collected')

const pages = [...GROUPS.flatMap((group) => group.pages), ...decisions()]
const places = new Map(pages.map(({ from, to }) => [from, to]))

/** @returns {import('./pages.mjs').Page[]} */
function decisions() {
  return readdirSync(join(root, 'docs/decisions'))
    .filter((name) => /^\d/.test(name))
    .map((name) => ({ title: name, from: `docs/decisions/${name}`, to: `decisions/${name.replace('.md', '')}` }))
}

function collect() {
  for (const { from, to } of pages) {
    const markdown = readFileSync(join(root, from), 'utf8')
    const text = withSiteLinks(withoutVue(markdown), from, places, to)
    write(`${to}.md`, from === 'docs/errors.md' ? withLinkedCodes(text) : text)
  }
  for (const { code, markdown } of errorPages()) {
    write(`errors/${code}.md`, withSiteLinks(withoutVue(markdown), `docs/${code}.md`, places, `errors/${code}`))
  }
  write('index.md', readFileSync(join(site, 'home.md'), 'utf8'))
  write('public/icon.svg', readFileSync(join(site, 'icon.svg'), 'utf8'))
  write('public/llms.txt', llmsText())
}

/** VitePress takes `{{` in text for an expression. @type {(markdown: string) => string} */
function withoutVue(markdown) {
  return markdown.replaceAll('{{', '&#123;&#123;')
}

/** @type {(path: string, text: string) => void} */
function write(path, text) {
  const file = join(target, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

rmSync(target, { recursive: true, force: true })
collect()
if (process.argv.includes('--watch')) {
  for (const folder of ['docs', 'site']) {
    watch(join(root, folder), { recursive: true }, (_event, name) => {
      if (name?.endsWith('.md') && !name.startsWith('.collected')) collect()
    })
  }
}
