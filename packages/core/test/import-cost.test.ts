import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

// What an app pays at its start, in counts that no machine changes: each module is a file to find, read and compile.

const source = resolve(dirname(fileURLToPath(import.meta.url)), '../src')

describe('what is loaded with core', () => {
  const { files, packages } = staticImports(resolve(source, 'index.ts'))

  it('is of jose the reading of text alone; its cryptography is loaded when first used', () => {
    expect([...packages].sort()).toEqual(['jose/base64url', 'jose/jwt/decode'])
  })

  it('is at most 80 modules of its own', () => {
    expect(files.size).toBeGreaterThan(50) // the walk works
    expect(files.size).toBeLessThanOrEqual(80)
  })
})

/** All that a module brings with it: files of this package, and other packages by the name they are imported by. */
function staticImports(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>()
  const packages = new Set<string>()
  const walk = (file: string): void => {
    if (files.has(relative(source, file))) return
    files.add(relative(source, file))
    const code = readFileSync(file, 'utf8')
    for (const [statement, specifier = ''] of code.matchAll(/^(?:import|export)\b[^;'"]*?\bfrom '([^']+)'/gm)) {
      if (/^(?:import|export) type\b/.test(statement)) continue
      if (specifier.startsWith('.')) walk(resolve(dirname(file), specifier))
      else packages.add(specifier)
    }
  }
  walk(entry)
  return { files, packages }
}
