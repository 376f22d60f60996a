/** A problem of the app's server (RFC 9457), such as "nobody is logged in". */
export interface Problem {
  readonly code?: string
  readonly status?: number
  readonly title?: string
  readonly detail?: string
  /** The operator finds the cause by it. */
  readonly reference?: string
  /** Where to log in. */
  readonly loginUrl?: string
}

/** What a FHIR server says about a failure (FHIR R4 §2.33), as far as it is read here. */
export interface OperationOutcome {
  readonly resourceType: 'OperationOutcome'
  readonly issue: readonly {
    readonly severity?: string
    readonly code?: string
    readonly diagnostics?: string
    readonly details?: { readonly text?: string }
  }[]
}

/** A request that was not answered with success. */
export class FhirClientError extends Error {
  override readonly name = 'FhirClientError'
  /** Of the answer; 0 if nothing was sent. */
  readonly status: number
  /** Of the problem, such as `login_required`, or of the first issue of the outcome, such as `not-found`. */
  readonly code: string | undefined
  /** If the app's server refused or failed. */
  readonly problem: Problem | undefined
  /** If the FHIR server did. */
  readonly operationOutcome: OperationOutcome | undefined

  /** @param body - parsed JSON of the answer, or a problem found by the client itself */
  constructor(status: number, body?: unknown) {
    const content: { resourceType?: unknown; issue?: unknown } = typeof body === 'object' && body !== null ? body : {}
    const operationOutcome =
      content.resourceType === 'OperationOutcome' && Array.isArray(content.issue)
        ? (content as OperationOutcome)
        : undefined
    const problem = operationOutcome || content.resourceType !== undefined ? undefined : (content as Problem)
    const issue = operationOutcome?.issue[0]
    super(
      issue?.details?.text ??
        issue?.diagnostics ??
        problem?.detail ??
        problem?.title ??
        `The server answered with status ${status}.`,
    )
    this.status = status
    this.code = issue?.code ?? problem?.code
    this.problem = problem
    this.operationOutcome = operationOutcome
  }
}

/** The error of a failed answer. */
export async function errorOf(response: Response): Promise<FhirClientError> {
  return new FhirClientError(response.status, await response.json().catch(() => undefined))
}
