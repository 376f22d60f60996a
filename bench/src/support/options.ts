import type { Framework } from '../servers/frameworks.ts'

/** How long and how often to measure. */
export interface BenchOptions {
  readonly rounds: number
  /** Of load on a server, per round. */
  readonly seconds: number
  readonly frameworks: readonly Framework[]
}
