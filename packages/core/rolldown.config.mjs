// Core is published as one module, since finding and linking its 75 took Node longer than all else:
// docs/decisions/0007-core-as-one-module.md. The types stay as `tsc` writes them, a file for each source.
import { defineConfig } from 'rolldown'

export default defineConfig({
  cwd: import.meta.dirname,
  input: 'src/index.ts',
  external: /^jose(\/|$)/,
  platform: 'neutral',
  tsconfig: 'tsconfig.build.json',
  // The sources that the map names are published too.
  transform: { target: 'es2022' },
  output: { file: 'dist/index.js', sourcemap: true, sourcemapExcludeSources: true },
})
