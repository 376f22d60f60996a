import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import type { FhirContext } from '@fhir-auth/fastify'
import { type ExportManifest, type ExportProgress, exportGroup } from './bulk-export.ts'

export type ExportState =
  | { kind: 'running'; progress: ExportProgress | undefined }
  | { kind: 'complete'; manifest: ExportManifest }
  | { kind: 'failed'; reason: string }
  | { kind: 'cancelled' }

/** One export, from its start to its files. */
export class ExportJob {
  readonly id: string = randomUUID()
  readonly startedAt: Date = new Date()
  readonly fhir: FhirContext
  /** Settles when the export has ended, however it did; never rejects. */
  readonly ended: Promise<void>
  readonly #changes = new EventEmitter().setMaxListeners(0)
  readonly #abort = new AbortController()
  #state: ExportState = { kind: 'running', progress: undefined }

  constructor(fhir: FhirContext, group: string) {
    this.fhir = fhir
    this.ended = this.#run(group)
  }

  get state(): ExportState {
    return this.#state
  }

  /** The state now and after each change, to the end. */
  async *states(): AsyncGenerator<ExportState, void> {
    let shown: ExportState | undefined
    while (shown !== this.#state || shown.kind === 'running') {
      if (shown === this.#state) await once(this.#changes, 'change')
      shown = this.#state
      yield shown
    }
  }

  async cancel(): Promise<void> {
    this.#abort.abort()
    await this.ended
  }

  async #run(group: string): Promise<void> {
    const { signal } = this.#abort
    try {
      const onProgress = (progress: ExportProgress) => this.#change({ kind: 'running', progress })
      this.#change({ kind: 'complete', manifest: await exportGroup(this.fhir, group, { onProgress, signal }) })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#change(signal.aborted ? { kind: 'cancelled' } : { kind: 'failed', reason })
    }
  }

  #change(state: ExportState): void {
    this.#state = state
    this.#changes.emit('change')
  }
}

/** The exports of this process, newest first. */
export class ExportJobs {
  #jobs: ExportJob[] = []

  get list(): readonly ExportJob[] {
    return this.#jobs
  }

  start(fhir: FhirContext, group: string): ExportJob {
    const job = new ExportJob(fhir, group)
    this.#jobs = [job, ...this.#jobs].slice(0, 20)
    return job
  }

  find(id: string): ExportJob | undefined {
    return this.#jobs.find((job) => job.id === id)
  }

  async cancelAll(): Promise<void> {
    await Promise.all(this.#jobs.map((job) => job.cancel()))
  }
}
