import { fileURLToPath } from 'node:url'
import { type OutputChunk, rolldown } from 'rolldown'
import { loadConfig } from 'rolldown/config'
import { describe, expect, it } from 'vitest'

// What an app pays at its start, in counts that no machine changes: each module is a file to find, read and link.

describe('core as it is published', () => {
  it('is one module of at most 250 kB', async () => {
    const [module, ...others] = await publishedModules()
    expect(others).toEqual([])
    expect(Object.keys(module.modules).length).toBeGreaterThan(50) // it is the whole of core
    expect(module.code.length).toBeLessThanOrEqual(250_000)
  })

  it('loads of jose the reading of text alone at its start; its cryptography is loaded when first used', async () => {
    const [{ imports, dynamicImports }] = await publishedModules()
    expect([...imports].sort()).toEqual(['jose/base64url', 'jose/jwt/decode'])
    expect(dynamicImports).toContain('jose/jwt/verify')
  })
})

async function publishedModules(): Promise<[OutputChunk, ...OutputChunk[]]> {
  const config = await loadConfig(fileURLToPath(new URL('../rolldown.config.mjs', import.meta.url)))
  if (typeof config === 'function' || Array.isArray(config) || Array.isArray(config.output)) throw new Error('Not one.')
  const bundle = await rolldown(config)
  const { output } = await bundle.generate(config.output)
  await bundle.close()
  const [first, ...others] = output
  return [first, ...others.filter((file) => file.type === 'chunk')]
}
