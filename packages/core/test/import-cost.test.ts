import { beforeAll, describe, expect, it } from 'vitest'
import { buildCore } from './support/published-module.ts'

// What an app pays at its start, in counts that no machine changes: each module is a file to find, read and link.

describe('core as it is published', () => {
  let files: Awaited<ReturnType<typeof buildCore>>
  beforeAll(async () => {
    files = await buildCore()
  })

  it('is one module of at most 320 kB', () => {
    const core = files.get('core.js')
    expect(Object.keys(core?.modules ?? {}).length).toBeGreaterThan(50) // it is the whole of core
    expect(core?.code.length).toBeLessThanOrEqual(320_000)
  })

  it('keeps what is for tests out of what an app loads', () => {
    expect(files.get('testing.js')?.code).toContain('fakeFhir')
    expect(files.get('core.js')?.code).not.toContain('fakeFhir')
  })

  it('reads keys in a module of its own, which is loaded with the first keys', () => {
    expect(files.get('core.js')?.dynamicImports).toContain('keys.js')
    expect(files.get('core.js')?.imports).not.toContain('keys.js')
    expect(files.get('keys.js')?.code).toContain('BEGIN CERTIFICATE')
    expect(files.get('core.js')?.code).not.toContain('BEGIN CERTIFICATE')
  })

  it('has doors that only name parts of it, so that FhirAuthError is one class whichever door it came by', () => {
    const doors = [...files.keys()].filter((name) => !['core.js', 'keys.js', 'testing.js'].includes(name))
    expect(doors.sort()).toEqual(['adapter.js', 'index.js', 'internal.js', 'protocol.js'])
    for (const door of doors) {
      expect(files.get(door)?.code).toMatch(
        /^export \{ [\w, ]+ \} from "\.\/core\.js";\s*(?:\/\/# sourceMappingURL=\S+)?\s*$/,
      )
    }
  })

  it('loads of jose the reading of text alone at its start; its cryptography is loaded when first used', () => {
    const { imports = [], dynamicImports = [] } = files.get('core.js') ?? {}
    expect([...imports].sort()).toEqual(['jose/base64url', 'jose/jwt/decode'])
    expect(dynamicImports).toContain('jose/jwt/verify')
  })
})
