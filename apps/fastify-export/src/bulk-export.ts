import { setTimeout } from 'node:timers/promises'
import type { FhirContext } from '@fhir-auth/fastify'
import type { OperationOutcome } from 'fhir/r4.js'

// FHIR Bulk Data Access 2.0: start, ask until it is done, fetch the files; DELETE to cancel.

/** What the server says of an export that it works on. */
export interface ExportProgress {
  /** Undefined where the server gives no number. */
  percent: number | undefined
  /** The server's own words. */
  message: string | undefined
}

export interface ExportManifest {
  /** Everything up to this moment is in the files: the `_since` of the next export. */
  transactionTime: string
  requiresAccessToken: boolean
  output: ExportFile[]
  /** Where the export is deleted when its files are saved. */
  statusUrl: string
}

/** One NDJSON file. */
export interface ExportFile {
  /** Resource type. */
  type: string
  url: string
  count?: number
}

export interface ExportOptions {
  /** Resource types to export. Default: all that the token covers. */
  types?: readonly string[]
  onProgress?: (progress: ExportProgress) => void
  /** Cancels the export, at the server too. */
  signal?: AbortSignal
}

/** The server refused the export, or it failed. */
export class ExportError extends Error {
  override name = 'ExportError'
}

const LONGEST_WAIT_SECONDS = 120
const USUAL_WAIT_SECONDS = 5
/** How often in a row a server may say that it is too busy to answer. */
const MOST_BUSY_ANSWERS = 10

/**
 * Exports a Group and waits until its files are there. It may take hours: `fhir.fetch` renews the token on the way.
 *
 * @throws {@link ExportError}; the signal's reason when cancelled
 */
export async function exportGroup(
  fhir: FhirContext,
  group: string,
  { types = [], onProgress, signal }: ExportOptions = {},
): Promise<ExportManifest> {
  const statusUrl = await startExport(fhir, group, types)
  try {
    for (;;) {
      const headers = { accept: 'application/json' }
      const response = await patiently(() => fhir.fetch(statusUrl, { headers, signal: signal ?? null }), signal)
      if (response.status === 200) return { ...((await response.json()) as ExportManifest), statusUrl }
      if (response.status !== 202) throw await errorOf(response)
      await response.body?.cancel()
      onProgress?.(progressOf(response))
      await setTimeout(waitSeconds(response) * 1000, undefined, signal && { signal })
    }
  } catch (error) {
    if (signal?.aborted) await deleteExport(fhir, statusUrl)
    throw error
  }
}

interface FileOptions {
  headers?: Record<string, string> | undefined
  signal?: AbortSignal | undefined
}

/** The file as it comes, resource by line. */
export async function fetchFile(
  fhir: FhirContext,
  manifest: ExportManifest,
  file: ExportFile,
  { headers, signal }: FileOptions = {},
): Promise<Response> {
  const init = { headers: { accept: 'application/fhir+ndjson', ...headers }, signal: signal ?? null }
  // Files may be on another server, at a secret URL. The token must not be sent there.
  const send = () => (manifest.requiresAccessToken ? fhir.fetch(file.url, init) : fetch(file.url, init))
  const response = await patiently(send, signal)
  if (!response.ok) throw await errorOf(response)
  return response
}

/** Cancels an export, or deletes its files. It is fine if the server does not know it any more. */
export async function deleteExport(fhir: FhirContext, statusUrl: string): Promise<void> {
  const response = await fhir.fetch(statusUrl, { method: 'DELETE' })
  await response.body?.cancel()
}

/** Sends again what a busy server put off, when `Retry-After` says so. */
async function patiently(send: () => Promise<Response>, signal?: AbortSignal): Promise<Response> {
  for (let busyAnswers = 1; ; busyAnswers++) {
    const response = await send()
    const isBusy = response.status === 429 || response.status === 503
    if (!isBusy || busyAnswers > MOST_BUSY_ANSWERS) return response
    await response.body?.cancel()
    await setTimeout(waitSeconds(response) * 1000, undefined, signal && { signal })
  }
}

/** @returns where to ask for its status */
async function startExport(fhir: FhirContext, group: string, types: readonly string[]): Promise<string> {
  const query = types.length > 0 ? `?_type=${types.join(',')}` : ''
  const headers = { accept: 'application/fhir+json', prefer: 'respond-async' }
  const response = await patiently(() => fhir.fetch(`Group/${encodeURIComponent(group)}/$export${query}`, { headers }))
  const statusUrl = response.headers.get('content-location')
  if (response.status !== 202) throw await errorOf(response)
  if (statusUrl === null) throw new ExportError('The server took the export and did not say where to ask for it.')
  return statusUrl
}

function progressOf({ headers }: Response): ExportProgress {
  const message = headers.get('x-progress')?.slice(0, 100)
  const percent = message && /(\d+(?:\.\d+)?) ?%/.exec(message)?.[1]
  return { message, percent: percent ? Math.min(100, Number(percent)) : undefined }
}

/** `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), within reason. */
function waitSeconds({ headers }: Response): number {
  const value = headers.get('retry-after') ?? ''
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000
  return Number.isNaN(seconds) ? USUAL_WAIT_SECONDS : Math.min(Math.max(seconds, 1), LONGEST_WAIT_SECONDS)
}

async function errorOf(response: Response): Promise<ExportError> {
  const outcome = (await response.json().catch(() => ({}))) as Partial<OperationOutcome>
  const reason = outcome.issue?.map(({ details, diagnostics }) => details?.text ?? diagnostics).find(Boolean)
  return new ExportError(`The FHIR server answered ${response.status}${reason ? `: ${reason}` : '.'}`)
}
