import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import MiniSearch from 'minisearch'
import { searchOptions } from '../.vitepress/search.mjs'
import { errorCodes } from '../collect/core-values.mjs'
import { root } from '../collect/repository.mjs'

// What VitePress does not check in a built site: anchors, what the search finds, and llms.txt.
const dist = join(root, 'site/.vitepress/dist')
/** @type {string[]} */
const faults = []

const pages = new Map(
  readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.html'))
    .map((file) => [`/${file.replace(/(?:index)?\.html$/, '')}`, readFileSync(join(dist, file), 'utf8')]),
)

checkAnchors()
checkSearch()
checkLlmsText()
for (const fault of faults) console.error(fault)
console.log(`${pages.size} pages, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1

function checkAnchors() {
  for (const [place, html] of pages) {
    for (const [, href = ''] of html.matchAll(/<a[^>]* href="([^"]*#[^"]+)"/g)) {
      const { pathname, hash, origin } = new URL(href, `http://site${place}`)
      if (origin !== 'http://site') continue
      const id = decodeURIComponent(hash.slice(1))
      if (!pages.get(pathname)?.includes(`id="${id}"`))
        faults.push(`${place} links to ${pathname}${hash}, which is not there.`)
    }
  }
}

function checkSearch() {
  const chunks = join(dist, 'assets/chunks')
  const file = readdirSync(chunks).find((name) => name.startsWith('@localSearchIndex')) ?? ''
  const [, literal = ''] = /const \w+=(['"`][\s\S]*['"`]);export/.exec(readFileSync(join(chunks, file), 'utf8')) ?? []
  // As VitePress searches: VPLocalSearchBox.vue.
  const search = MiniSearch.loadJSON(new Function(`return ${literal}`)(), {
    fields: ['title', 'titles', 'text'],
    storeFields: ['title', 'titles'],
    searchOptions,
  })
  const options = namesOfOptions()
  if (options.size < 120) faults.push(`Only ${options.size} options to search.`)
  const found = (/** @type {string} */ words) =>
    search
      .search(words)
      .slice(0, 16) // as many as the search shows
      .map(({ id }) => String(id).split('#')[0] ?? '')
  for (const code of errorCodes) {
    const page = `/errors/${code}`
    if (!pages.get(page)?.includes(`<code>${code}</code>`)) faults.push(`${page} is missing.`)
    else if (found(code)[0] !== page) faults.push(`The search for ${code} does not begin with its page: ${found(code)}`)
  }
  for (const option of options) {
    const heading = `id="${option.toLowerCase()}"`
    const isNamed = found(option).some((place) =>
      [`<code>${option}</code>`, heading].some((mention) => pages.get(place)?.includes(mention)),
    )
    if (!isNamed) faults.push(`The search for ${option} finds no page that names it: ${found(option)}`)
  }
  console.log(`The search was asked for ${errorCodes.length} codes and ${options.size} options.`)
}

/** The options of the READMEs' tables and of the API reference. @returns {ReadonlySet<string>} */
function namesOfOptions() {
  const inReadmes = ['core', 'express', 'fastify', 'nest', 'hono', 'sandbox', 'redis', 'postgres']
    .map((name) => readFileSync(join(root, `packages/${name}/README.md`), 'utf8'))
    .flatMap((readme) => [...readme.matchAll(/^\| (`[\w.]+`(?:, `[\w.]+`)*) \|/gm)])
    .flatMap(([, names = '']) => names.match(/[\w.]+/g) ?? [])
  const reference = join(root, 'site/.collected/api')
  const inReference = readdirSync(reference, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(Options|Registrations?)\.md$/.test(file))
    .flatMap((file) => [...readFileSync(join(reference, file), 'utf8').matchAll(/^### (\w+)\??(?:\(\))?$/gm)])
    .map(([, name = '']) => name)
  return new Set([...inReadmes, ...inReference])
}

function checkLlmsText() {
  if (!existsSync(join(dist, 'llms.txt'))) {
    faults.push('llms.txt is missing.')
    return
  }
  for (const [, path = ''] of readFileSync(join(dist, 'llms.txt'), 'utf8').matchAll(/\]\((\/[^)]*)\)/g)) {
    if (!pages.has(path)) faults.push(`llms.txt names ${path}, which is not there.`)
  }
}
