/** One thing that is wrong, and what it means for the app. */
export interface Finding {
  /** For programs. It stays the same if the text changes. */
  readonly code: string
  /** With an `error` the app cannot work; with a `warning` it may. */
  readonly level: 'error' | 'warning'
  readonly what: string
  readonly meaning: string
}

/** The first members of every command's result. */
export interface CommandResult {
  /** Whether nothing is wrong; decides the exit code. */
  readonly ok: boolean
}

export function hasError(findings: readonly Finding[]): boolean {
  return findings.some(({ level }) => level === 'error')
}
