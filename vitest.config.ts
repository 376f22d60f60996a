import { defineConfig } from 'vitest/config'

// Tests read the packages' sources, so they need no build.
const conditions = ['@fhir-auth/source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // The operator's lines about problems: tests make many.
    onConsoleLog: (log) => !log.includes('"message":"fhir-auth: '),
    setupFiles: ['test/random/setup.ts'],
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    // Most tests wait for servers, browsers and tokens that expire, so more of them than cores go on at once.
    maxWorkers: 4,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
