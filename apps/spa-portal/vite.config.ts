import { defineConfig } from 'vite'

export default defineConfig({
  root: 'src/page',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../dist/page',
    emptyOutDir: true,
    // Files of their own only: the Content-Security-Policy allows no `data:` URL, and every browser of today preloads.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
