// node bundle-worker.mjs <folder> [entry]: the app with all its packages in one file, from their sources. So a process
// starts fast, and nothing needs a build. The file is `worker.mjs`; the entry is `worker.ts` of this folder, or another one.
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

// Vitest brings it; the workspace has no need of its own for it.
const fromVitest = createRequire(createRequire(import.meta.url).resolve('vitest/package.json'))
const { build } = await import(pathToFileURL(fromVitest.resolve('vite')).href)
const [, , outDir, entry = fileURLToPath(new URL('./worker.ts', import.meta.url))] = process.argv
const conditions = ['@fhir-auth/source', 'node']
await build({
  configFile: false,
  logLevel: 'error',
  root: fileURLToPath(new URL('..', import.meta.url)),
  resolve: { conditions },
  ssr: { noExternal: true, resolve: { conditions } },
  build: {
    ssr: entry,
    outDir,
    emptyOutDir: false,
    minify: false,
    rolldownOptions: { output: { entryFileNames: 'worker.mjs' } },
  },
})
