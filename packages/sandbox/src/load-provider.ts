/**
 * Loads `oidc-provider`. It prints a warning when it is imported on Node 20, which it runs on; that one line is
 * left out, every other message passes.
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
