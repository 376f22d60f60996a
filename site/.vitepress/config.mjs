import { defineConfig } from 'vitepress'
import { errorCodes } from '../collect/core-values.mjs'
import { GROUPS } from '../collect/pages.mjs'
import { REPOSITORY } from '../collect/repository.mjs'
import { apiSidebars } from './api-sidebar.mjs'
import { drawDiagrams } from './diagrams.mjs'
import { isUnsearched, searchOptions } from './search.mjs'

export default defineConfig({
  title: 'fhir-auth',
  description: 'SMART on FHIR authorization for Node servers',
  srcDir: '.collected',
  cleanUrls: true,
  head: [['link', { rel: 'icon', href: '/icon.svg', type: 'image/svg+xml' }]],
  // A link to a page that does not exist fails the build.
  ignoreDeadLinks: false,
  // The sidebars in one file, not in each page.
  metaChunk: true,
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    anchor: { slugify: githubSlug },
    config: (md) => {
      drawDiagrams(md)
      md.core.ruler.push('empty headers of tables are no headers', ({ tokens }) => {
        for (const [index, token] of tokens.entries()) {
          if (token.type === 'th_open' && tokens[index + 1]?.content === '') token.tag = 'td'
          if (token.type === 'th_close' && tokens[index - 1]?.content === '') token.tag = 'td'
        }
      })
    },
  },
  themeConfig: {
    nav: [
      { text: 'Quickstart', link: '/quickstart/express', activeMatch: '/quickstart/' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: 'Errors', link: '/errors/' },
      { text: 'API', link: '/api/', activeMatch: '/api/' },
    ],
    sidebar: { '/': GROUPS.map(groupOfPages), ...apiSidebars() },
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        miniSearch: { searchOptions },
        _render: (markdown, env, md) => {
          const html = md.render(markdown, env)
          return isUnsearched(env.relativePath) ? '' : html
        },
      },
    },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    notFound: {
      title: 'Page not found',
      quote: 'Search for it, or go to the start page.',
      linkText: 'Start page',
      linkLabel: 'Start page',
    },
    footer: { message: 'Apache-2.0' },
  },
})

/** @type {(group: (typeof GROUPS)[number]) => import('vitepress').DefaultTheme.SidebarItem} */
function groupOfPages({ title, pages }) {
  return {
    text: title,
    items: pages.map(({ title: text, to }) => ({
      text,
      link: `/${to.replace(/index$/, '')}`,
      ...(to === 'errors/index' && {
        collapsed: true,
        items: errorCodes.map((code) => ({ text: code, link: `/errors/${code}` })),
      }),
    })),
  }
}

/** The id that GitHub gives a heading, so that a link with a hash is right in both places. @type {(heading: string) => string} */
function githubSlug(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
}
