import { rolldown } from 'rolldown'

/** The worker and all it stands on as one module. What it then imports would be a module of Node, or of nobody. */
export async function bundleWorker(input: string): Promise<{ code: string; imports: string[] }> {
  const build = await rolldown({
    input,
    platform: 'neutral',
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
