import type { BenchOptions } from './options.ts'
import type { Verdict } from './statistics.ts'

/** One line of the table of goals: what was to be reached, and what was found. */
export interface Goal {
  readonly what: string
  readonly goal: string
  readonly found: string
  readonly verdict: Verdict
}

/** What one part has to say. */
export interface PartReport {
  readonly goals: readonly Goal[]
  /** Markdown under the part's own heading. */
  readonly body: string
}

export interface Part {
  readonly title: string
  measure(options: BenchOptions): Promise<PartReport>
}
