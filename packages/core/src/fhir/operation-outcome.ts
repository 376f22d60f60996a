import { maskedText } from './masked-text.ts'

/** FHIR R4 `OperationOutcome`, as the server sent it. Only its type and that it has issues are checked. */
export interface OperationOutcome {
  readonly resourceType: 'OperationOutcome'
  readonly issue: readonly OperationOutcomeIssue[]
  readonly [member: string]: unknown
}

export interface OperationOutcomeIssue {
  readonly severity?: string
  readonly code?: string
  readonly details?: { readonly text?: string; readonly [member: string]: unknown }
  readonly diagnostics?: string
  readonly expression?: readonly string[]
  readonly [member: string]: unknown
}

/** @returns undefined if the body is not an OperationOutcome with at least one issue */
export function readOperationOutcome(body: string): OperationOutcome | undefined {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return undefined
  }
  if (!isObject(value) || value.resourceType !== 'OperationOutcome') return undefined
  const { issue } = value
  return Array.isArray(issue) && issue.length > 0 && issue.every(isObject) ? (value as OperationOutcome) : undefined
}

/** The code and the text of the most severe issue, for a message: masked, short, one line. */
export function outcomeSummary(outcome: OperationOutcome | undefined): string | undefined {
  const issues: readonly Readonly<Record<string, unknown>>[] = outcome?.issue ?? []
  const issue = issues.find(({ severity }) => severity === 'fatal' || severity === 'error') ?? issues[0]
  if (issue === undefined) return undefined
  const { code, details, diagnostics } = issue
  const words = (isObject(details) ? textOf(details.text) : undefined) ?? textOf(diagnostics)
  const parts = [isIssueCode(code) ? code : undefined, words && maskedText(words)]
  return parts.filter(Boolean).join(': ') || undefined
}

/** A code of the value set `issue-type`, such as `not-found` or `forbidden`. */
function isIssueCode(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z]+(?:-[a-z]+)*$/.test(value) && value.length <= 24
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
