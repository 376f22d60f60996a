import { defineConfig } from 'vitepress'
import { errorCodes } from '../collect/core-values.mjs'
import { GROUPS } from '../collect/pages.mjs'
import { REPOSITORY } from '../collect/repository.mjs'
import { apiSidebars } from './api-sidebar.mjs'
import { isUnsearched, searchOptions } from './search.mjs'

export default defineConfig({
  title: 'fhir-auth',
  description: 'SMART on FHIR authorization for Node servers',
  srcDir: '.collected',
  cleanUrls: true,
  // A link to a page that does not exist fails the build.
  ignoreDeadLinks: false,
  // The sidebars in one file, not in each page.
  metaChunk: true,
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    anchor: { slugify: githubSlug },
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
    footer: { message: 'Apache-2.0' },
  },
})

/** @type {(group: (typeof GROUPS)[number]) => import('vitepress').DefaultTheme.SidebarItem} */
function groupOfPages({ title, pages }) {
  return {
    text: title,
    collapsed: false,
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
