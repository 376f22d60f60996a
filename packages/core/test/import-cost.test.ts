import { describe, expect, it } from 'vitest'
import { buildCore } from './support/published-module.ts'

// What an app pays at its start, in counts that no machine changes: each module is a file to find, read and link.

describe('core as it is published', () => {
  it('is one module of at most 250 kB', async () => {
    const [module, ...others] = await buildCore()
    expect(others).toEqual([])
    expect(Object.keys(module.modules).length).toBeGreaterThan(50) // it is the whole of core
    expect(module.code.length).toBeLessThanOrEqual(250_000)
  })

  it('loads of jose the reading of text alone at its start; its cryptography is loaded when first used', async () => {
    const [{ imports, dynamicImports }] = await buildCore()
    expect([...imports].sort()).toEqual(['jose/base64url', 'jose/jwt/decode'])
    expect(dynamicImports).toContain('jose/jwt/verify')
  })
})
