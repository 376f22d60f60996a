import type { Answers, AppChoices, Framework, StoreKind } from './choices.ts'

type Versions = Readonly<Record<string, string>>

const frameworks: Record<Framework, { runs: Versions; develops: Versions }> = {
  express: { runs: { express: '^5.0.0' }, develops: { '@types/express': '^5.0.0' } },
  fastify: { runs: { fastify: '^5.0.0' }, develops: {} },
  nest: {
    runs: {
      '@nestjs/common': '^12.0.0',
      '@nestjs/core': '^12.0.0',
      '@nestjs/platform-express': '^12.0.0',
      'reflect-metadata': '^0.2.2',
      rxjs: '^7.8.2',
    },
    develops: {},
  },
  hono: { runs: { hono: '^4.8.0', '@hono/node-server': '^2.0.0' }, develops: {} },
}

const stores: Record<StoreKind, { package?: string; runs: Versions; develops: Versions }> = {
  memory: { runs: {}, develops: {} },
  redis: { package: 'redis', runs: { redis: '^6.0.0' }, develops: {} },
  postgres: { package: 'postgres', runs: { pg: '^8.16.0' }, develops: { '@types/pg': '^8.15.0' } },
}

/** Vitest 4 is the newest that runs on Node 20. */
const develops: Versions = { '@types/node': '^22.0.0', tsx: '^4.20.0', typescript: '^7.0.2', vitest: '^4.1.0' }

/**
 * The `package.json` of the app.
 *
 * @param version - of this package, and so of all packages of fhir-auth
 */
export function appManifest(answers: AppChoices & Pick<Answers, 'name'>, version: string): object {
  const framework = frameworks[answers.framework]
  const store = stores[answers.store]
  const ours = `^${version}`
  const storePackage = store.package === undefined ? {} : { [`@fhir-auth/${store.package}`]: ours }
  return {
    name: answers.name,
    version: '0.0.0',
    private: true,
    type: 'module',
    engines: { node: '^20.19.0 || ^22.12.0 || >=24' },
    scripts: {
      dev: 'tsx watch dev/main.ts',
      build: 'tsc -p tsconfig.build.json',
      start: 'node dist/server.js',
      test: 'vitest run',
      typecheck: 'tsc',
    },
    dependencies: sorted({
      [`@fhir-auth/${answers.framework}`]: ours,
      ...storePackage,
      ...framework.runs,
      ...store.runs,
    }),
    devDependencies: sorted({
      '@fhir-auth/cli': ours,
      '@fhir-auth/sandbox': ours,
      ...framework.develops,
      ...store.develops,
      ...develops,
    }),
  }
}

function sorted(versions: Versions): Versions {
  return Object.fromEntries(Object.entries(versions).sort(([a], [b]) => (a < b ? -1 : 1)))
}
