import { fileURLToPath } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'
import { buildCore, PUBLISHED_FILE } from '../../../core/test/support/published-module.ts'

/** The app and all it stands on as one ES module, which imports nothing but its settings. Core is in it as published. */
export async function bundleApp(): Promise<{ code: string; imports: string[] }> {
  const [core] = await buildCore()
  const publishedCore: Plugin = {
    name: 'published core',
    resolveId: (name) => (name === '@fhir-auth/core' ? PUBLISHED_FILE : undefined),
    load: (file) => (file === PUBLISHED_FILE ? core.code : undefined),
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
