import { spawnSync } from 'node:child_process'

const missing = new Map<string, boolean>()

/**
 * For `describe.skipIf(programIsMissing('openssl'))`. Says once that tests are skipped.
 *
 * @throws where it is missing and `FHIR_AUTH_TEST_ALL` says that nothing may be skipped
 */
export function programIsMissing(name: 'openssl' | 'ssh-keygen'): boolean {
  const known = missing.get(name)
  if (known !== undefined) return known
  const isMissing = spawnSync(name, ['-?']).error !== undefined
  missing.set(name, isMissing)
  if (isMissing) {
    const line = `Skipped: no ${name} found. Install it.`
    if (process.env.FHIR_AUTH_TEST_ALL) throw new Error(line)
    console.warn(line)
  }
  return isMissing
}
