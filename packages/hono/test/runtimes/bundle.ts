import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

/** The app and all it stands on as one ES module, which imports nothing but its settings. */
export async function bundleApp(): Promise<{ code: string; imports: string[] }> {
  const build = await rolldown({
    input: fileURLToPath(new URL('main.ts', import.meta.url)),
    platform: 'neutral',
    external: ['./settings.mjs'],
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
