import { loadSettings } from './settings.ts'
import { exportInTerminal } from './terminal.ts'

const abort = new AbortController()
process.once('SIGINT', () => abort.abort())

const { backend, group } = await loadSettings(process.env)
try {
  const folder = process.argv[2] ?? 'export'
  await exportInTerminal(await backend.context(), process.stderr, { group, folder, signal: abort.signal })
} catch (error) {
  console.error(abort.signal.aborted ? 'Cancelled.' : error)
  process.exitCode = 1
}
