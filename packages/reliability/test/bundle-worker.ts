import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The app as one script in a folder of its own. */
export function bundleWorker(): { script: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'fhir-auth-worker-'))
  const bundler = fileURLToPath(new URL('./bundle-worker.mjs', import.meta.url))
  // In a process of its own: a bundler does not run inside the module runner that loads this.
  execFileSync(process.execPath, [bundler, folder], { stdio: ['ignore', 'inherit', 'inherit'] })
  return { script: join(folder, 'worker.mjs'), remove: () => rmSync(folder, { recursive: true, force: true }) }
}
