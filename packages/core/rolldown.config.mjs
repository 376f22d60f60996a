// Core is published as one module, since Node takes about as long to find and link a module as to run it:
// docs/decisions/0007-core-as-one-module.md. The types stay as `tsc` writes them, a file for each source.
import { defineConfig } from 'rolldown'

export default defineConfig({
  cwd: import.meta.dirname,
  input: 'src/index.ts',
  external: /^jose\//,
  platform: 'neutral',
  tsconfig: 'tsconfig.build.json',
  // The sources that the map names are published too.
  output: { file: 'dist/index.js', sourcemap: true, sourcemapExcludeSources: true },
})
