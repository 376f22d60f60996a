import { fileURLToPath } from 'node:url'
import { type OutputChunk, rolldown } from 'rolldown'
import { loadConfig } from 'rolldown/config'

/** Where the published module of core lies. */
export const PUBLISHED_FILE: string = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

/** Core as its build makes it, written nowhere; should it come in several modules, the others after the first. */
export async function buildCore(): Promise<[OutputChunk, ...OutputChunk[]]> {
  const config = await loadConfig(fileURLToPath(new URL('../../rolldown.config.mjs', import.meta.url)))
  if (typeof config === 'function' || Array.isArray(config) || Array.isArray(config.output)) {
    throw new Error('rolldown.config.mjs has several builds.')
  }
  const build = await rolldown(config)
  try {
    const { output } = await build.generate(config.output)
    const [first, ...others] = output
    return [first, ...others.filter((file) => file.type === 'chunk')]
  } finally {
    await build.close()
  }
}
