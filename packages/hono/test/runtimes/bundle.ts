import { fileURLToPath } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'
import { buildCore } from '../../../core/test/support/published-module.ts'

/** Where the published files of core lie: here, until they are bundled. */
const DIST = fileURLToPath(new URL('../../../core/dist/', import.meta.url))

/** The app and all it stands on as one ES module, which imports nothing but its settings. Core is in it as published. */
export async function bundleApp(): Promise<{ code: string; imports: string[] }> {
  const files = await buildCore()
  const publishedCore: Plugin = {
    name: 'published core',
    resolveId(name, importer) {
      const [, door] = /^@fhir-auth\/core(?:\/(\w+))?$/.exec(name) ?? []
      if (name.startsWith('@fhir-auth/core')) return `${DIST}${door ?? 'index'}.js`
      return importer?.startsWith(DIST) && name.startsWith('./') ? DIST + name.slice(2) : undefined
    },
    load: (file) => (file.startsWith(DIST) ? files.get(file.slice(DIST.length))?.code : undefined),
  }
  const build = await rolldown({
    input: fileURLToPath(new URL('main.ts', import.meta.url)),
    platform: 'neutral',
    external: ['./settings.mjs'],
    plugins: [publishedCore],
    resolve: { conditionNames: ['@fhir-auth/source', 'import', 'default'] },
  })
  try {
    const { output } = await build.generate({ format: 'esm', codeSplitting: false })
    const [{ code, imports }] = output
    return { code, imports }
  } finally {
    await build.close()
  }
}
