import { existsSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { REPOSITORY, root } from './repository.mjs'

/**
 * Rewrites the relative links of a page, which are right on GitHub: to pages of the site where there is one, to the
 * repository otherwise. Code is left alone.
 *
 * @param {string} markdown
 * @param {string} from the page's file, from the top of the repository
 * @param {ReadonlyMap<string, string>} places the place on the site of each file that has one
 * @param {string} to the page's own place on the site
 * @throws for a link to a file that does not exist
 */
export function withSiteLinks(markdown, from, places, to) {
  return outsideCode(markdown, (text) =>
    text.replace(/(\]\()([^)\s]+)([^)]*\))/g, (whole, opening, target, closing) => {
      const [path = '', hash] = target.split('#')
      if (path === '' || /^[a-z]+:/i.test(path)) return whole
      return `${opening}${targetOf(path, hash, from, places, to)}${closing}`
    }),
  )
}

/** @type {(path: string, hash: string | undefined, from: string, places: ReadonlyMap<string, string>, to: string) => string} */
function targetOf(path, hash, from, places, to) {
  const file = posix.join(posix.dirname(from), path).replace(/\/$/, '')
  if (!existsSync(`${root}/${file}`)) throw new Error(`${from} links to ${path}, which does not exist.`)
  const isFolder = statSync(`${root}/${file}`).isDirectory()
  const place = places.get(isFolder ? `${file}/README.md` : file)
  const anchor = hash === undefined ? '' : `#${hash}`
  if (place === undefined) return `${REPOSITORY}/${isFolder ? 'tree' : 'blob'}/main/${file}${anchor}`
  const relative = posix.relative(posix.dirname(to), place)
  return `${relative.startsWith('.') ? '' : './'}${relative}.md${anchor}`
}

/** @type {(markdown: string, change: (text: string) => string) => string} */
function outsideCode(markdown, change) {
  return markdown
    .split(/(^ *```[\s\S]*?^ *```$|`[^`\n]+`)/m)
    .map((part, index) => (index % 2 === 0 ? change(part) : part))
    .join('')
}
