export type CheckStatus = 'green' | 'amber' | 'red' | 'skipped'

/** One line of the checklist. */
export interface Check {
  readonly name:
    | 'configuration'
    | 'redirect'
    | 'keys'
    | 'jwks'
    | 'discovery'
    | 'issuer'
    | 'authorize'
    | 'token'
    | 'read'
  readonly status: CheckStatus
  readonly summary: string
  /** What is wrong in detail, and what to do. */
  readonly details: readonly string[]
}
