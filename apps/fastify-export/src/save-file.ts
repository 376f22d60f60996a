import { open, rename } from 'node:fs/promises'
import type { FhirContext } from '@fhir-auth/fastify'
import { ExportError, type ExportFile, type ExportManifest, fetchFile } from './bulk-export.ts'

export interface Download {
  file: ExportFile
  /** Where it is saved. It appears there when it is complete. */
  path: string
  signal?: AbortSignal
}

const MOST_TRIES = 5

/** Saves a file of an export. When the connection breaks, it goes on where it was. */
export async function saveFile(fhir: FhirContext, manifest: ExportManifest, download: Download): Promise<void> {
  const { file, path, signal } = download
  const part = `${path}.part`
  let saved = 0
  /** Names this version of the file (RFC 9110 §13.1.5): another one must not be joined to it. */
  let etag: string | undefined
  for (let tries = 1; ; tries++) {
    try {
      const isResumed: boolean = etag !== undefined && saved > 0
      const headers = isResumed ? { range: `bytes=${saved}-`, 'if-range': String(etag) } : undefined
      const response = await fetchFile(fhir, manifest, file, { headers, signal })
      if (response.body === null) throw new ExportError('The server sent no file.')
      if (response.status !== 206) saved = 0
      else if (!response.headers.get('content-range')?.startsWith(`bytes ${saved}-`)) {
        throw new ExportError('The server sent another part of the file than was asked for.')
      }
      etag = resumable(response)
      const target = await open(part, response.status === 206 ? 'a' : 'w')
      try {
        for await (const chunk of response.body) {
          await target.writeFile(chunk)
          saved += chunk.length
        }
      } finally {
        await target.close()
      }
      await rename(part, path)
      return
    } catch (error) {
      if (error instanceof ExportError || signal?.aborted || tries === MOST_TRIES) throw error
    }
  }
}

/** The strong ETag of what can be resumed. The bytes of a compressed answer are not those that are saved. */
function resumable({ headers }: Response): string | undefined {
  const etag = headers.get('etag')
  return headers.has('content-encoding') || etag === null || etag.startsWith('W/') ? undefined : etag
}
