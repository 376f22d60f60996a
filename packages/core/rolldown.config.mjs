// Core is published as one module, since finding and linking its 75 took Node longer than all else:
// docs/decisions/0007-core-as-one-module.md. The doors are names for parts of it, and hold no code of their own. Two parts stay
// out of it: what is for tests alone, and the reading of keys, which is loaded with the first ones. The types stay as `tsc`
// writes them, a file for each source.
import { defineConfig } from 'rolldown'

export default defineConfig({
  cwd: import.meta.dirname,
  input: {
    index: 'src/index.ts',
    adapter: 'src/adapter.ts',
    protocol: 'src/protocol.ts',
    internal: 'src/internal.ts',
    testing: 'src/testing.ts',
  },
  external: /^jose(\/|$)/,
  platform: 'neutral',
  tsconfig: 'tsconfig.build.json',
  // The sources that the map names are published too.
  transform: { target: 'es2022' },
  output: {
    dir: 'dist',
    codeSplitting: {
      groups: [
        {
          name: 'core',
          test: /\/core\/src\/(?!(?:index|adapter|protocol|internal|testing)\.ts|testing\/|client\/keys\/reading\/)/,
          priority: 1,
        },
        { name: 'keys', test: /\/core\/src\/client\/keys\/reading\// },
      ],
    },
    chunkFileNames: '[name].js',
    minifyInternalExports: false,
    // The types have them, for editors.
    comments: { jsdoc: false },
    sourcemap: true,
    sourcemapExcludeSources: true,
  },
})
