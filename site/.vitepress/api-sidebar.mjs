import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../collect/repository.mjs'

/** @typedef {import('vitepress').DefaultTheme.SidebarItem} Item */

/**
 * The sidebars of the API reference: all packages, and the names of the one that the reader is in.
 *
 * @returns {Record<string, Item[]>} by the folder of the pages
 */
export function apiSidebars() {
  const folder = join(root, 'site/.collected/api')
  if (!existsSync(folder)) return {}
  const modules = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('/index.md'))
    .map((file) => ({ place: `/api/${dirname(file)}/`, markdown: readFileSync(join(folder, file), 'utf8') }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
  const doors = modules.filter(({ place }) => !place.endsWith('/parts/'))
  const sidebarOf = (/** @type {string} */ current) => [
    {
      text: 'API reference',
      link: '/api/',
      items: doors.map((door) => ({
        text: titleOf(door.markdown),
        link: door.place,
        ...(current === door.place && { items: membersOf(door) }),
      })),
    },
  ]
  return {
    '/api/': sidebarOf('/api/'),
    ...Object.fromEntries(modules.map(({ place }) => [place, sidebarOf(place.replace(/parts\/$/, ''))])),
  }
}

/** @type {(markdown: string) => string} */
function titleOf(markdown) {
  return /^# (.+)$/m.exec(markdown)?.[1] ?? ''
}

/** @type {(module: { place: string, markdown: string }) => Item[]} */
function membersOf({ place, markdown }) {
  return [...markdown.matchAll(/^\| \[(.+?)\]\((?!\.)(.+?)(?:index)?\.md\) \|/gm)].map(([, name = '', path = '']) => ({
    text: name.replaceAll('\\', ''),
    link: `${place}${path}`,
  }))
}
