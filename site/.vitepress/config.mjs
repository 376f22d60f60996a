import { defineConfig } from 'vitepress'
import { errorCodes } from '../collect/core-values.mjs'
import { GROUPS } from '../collect/pages.mjs'
import { REPOSITORY } from '../collect/repository.mjs'

export default defineConfig({
  title: 'fhir-auth',
  description: 'SMART on FHIR authorization for Node servers',
  srcDir: '.collected',
  cleanUrls: true,
  // A link to a page that does not exist fails the build.
  ignoreDeadLinks: false,
  markdown: { theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' } },
  themeConfig: {
    nav: [
      { text: 'Quickstart', link: '/quickstart/express', activeMatch: '/quickstart/' },
      { text: 'Troubleshooting', link: '/troubleshooting' },
      { text: 'Errors', link: '/errors/' },
    ],
    sidebar: GROUPS.map(({ title, pages }) => ({
      text: title,
      collapsed: false,
      items: pages.map(({ title: text, to }) => ({
        text,
        link: `/${to.replace(/index$/, '')}`,
        ...(to === 'errors/index' && { collapsed: true, items: errorCodes.map(errorPage) }),
      })),
    })),
    outline: [2, 3],
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    footer: { message: 'Apache-2.0' },
  },
})

/** @type {(code: string) => import('vitepress').DefaultTheme.SidebarItem} */
function errorPage(code) {
  return { text: code, link: `/errors/${code}` }
}
