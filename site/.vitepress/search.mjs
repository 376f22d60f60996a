// How the search finds, for VitePress and for the check of what it finds.

/** As VitePress shows it, each function must stand on its own: its text goes into the page. */
export const searchOptions = {
  fuzzy: 0.2,
  prefix: true,
  boost: { title: 4, text: 2, titles: 1 },
  // The guides and the error pages first.
  boostDocument: (/** @type {string} */ id) => (id.startsWith('/api/') ? 0.6 : 1),
}

/**
 * Whether a page is left out of the search. The requirements have thousands of rows, which would hide the guides. Of the
 * types that have no export, only options are looked for.
 *
 * @param {string} page the page's file, from the top of the site
 */
export function isUnsearched(page) {
  return (
    page === 'requirements.md' ||
    (page.startsWith('api/') && page.includes('/parts/') && !/(Options|Registrations?)\.md$/.test(page))
  )
}
