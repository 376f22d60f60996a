import { fileURLToPath } from 'node:url'
import { type OutputChunk, rolldown } from 'rolldown'
import { loadConfig } from 'rolldown/config'

/** Core as its build makes it, written nowhere: each file of `dist`, by its name. */
export async function buildCore(): Promise<Map<string, OutputChunk>> {
  const config = await loadConfig(fileURLToPath(new URL('../../rolldown.config.mjs', import.meta.url)))
  if (typeof config === 'function' || Array.isArray(config) || Array.isArray(config.output)) {
    throw new Error('rolldown.config.mjs has several builds.')
  }
  const build = await rolldown(config)
  try {
    const { output } = await build.generate(config.output)
    return new Map(output.filter((file) => file.type === 'chunk').map((file) => [file.fileName, file]))
  } finally {
    await build.close()
  }
}
