import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FhirContext } from '@fhir-auth/fastify'
import { deleteExport, type ExportProgress, exportGroup } from './bulk-export.ts'
import { saveFile } from './save-file.ts'

/** Where progress is shown: `process.stderr`, or what stands in for it. */
export interface Terminal {
  isTTY?: boolean
  write(text: string): unknown
}

export interface TerminalExport {
  group: string
  /** Where the files go; it is made if it is not there. */
  folder: string
  signal?: AbortSignal
}

/** Exports a Group into a folder, with a progress bar on a terminal, and plain lines anywhere else. */
export async function exportInTerminal(fhir: FhirContext, terminal: Terminal, options: TerminalExport): Promise<void> {
  const { group, folder, signal } = options
  const show = createProgress(terminal)
  show({ percent: 0, message: `Exporting ${group}` })
  const manifest = await exportGroup(fhir, group, { onProgress: show, ...(signal && { signal }) }).finally(() => {
    if (terminal.isTTY) terminal.write(CLEAR_LINE)
  })

  await mkdir(folder, { recursive: true })
  for (const [index, file] of manifest.output.entries()) {
    const path = join(folder, `${index + 1}-${file.type.replace(/\W/g, '')}.ndjson`)
    await saveFile(fhir, manifest, { ...{ file, path }, ...(signal && { signal }) })
    terminal.write(`${String(file.count ?? '').padStart(8)} ${file.type.padEnd(20)} ${path}\n`)
  }
  await deleteExport(fhir, manifest.statusUrl)
}

const CLEAR_LINE = '\r\u001b[K'
const BAR_WIDTH = 30

function createProgress(terminal: Terminal): (progress: ExportProgress) => void {
  return ({ percent, message = '' }) => {
    // Control characters from a server must not reach the terminal.
    const words = message.replace(/\p{Cc}/gu, ' ')
    if (terminal.isTTY) {
      const filled = Math.round(((percent ?? 0) * BAR_WIDTH) / 100)
      terminal.write(`${CLEAR_LINE}${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${words}`)
    } else {
      terminal.write(`${words}\n`)
    }
  }
}
