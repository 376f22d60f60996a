/**
 * Loads `oidc-provider`. On Node 20 it prints a warning at import, although it works there. That one line is suppressed; all
 * other messages pass.
 */
export async function loadProvider(): Promise<typeof import('oidc-provider')> {
  const { warn } = console
  console.warn = (...parts: unknown[]) => {
    if (!String(parts[0]).includes('oidc-provider WARNING: Unsupported runtime')) warn.apply(console, parts)
  }
  try {
    return await import('oidc-provider')
  } finally {
    console.warn = warn
  }
}
