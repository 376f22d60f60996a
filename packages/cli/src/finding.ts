/** One thing that is wrong, and what it means for the app. */
export interface Finding {
  /** For programs; stays the same when the words change. */
  readonly code: string
  /** An `error` stops the app; a `warning` may. */
  readonly level: 'error' | 'warning'
  readonly what: string
  readonly meaning: string
}

/** What every command's result says first. */
export interface CommandResult {
  /** Whether nothing is wrong; decides the exit code. */
  readonly ok: boolean
}

export function hasError(findings: readonly Finding[]): boolean {
  return findings.some(({ level }) => level === 'error')
}
