/** What the app's own error handler answers: proof that the error came by the framework's error path. */
export interface ErrorAnswer {
  handledBy: 'the app'
  name: string
  code: string | null
}

/**
 * The answer of the app's own error handler, whatever its framework. A framework may have wrapped the error: then the
 * one that the adapter raised is its `cause`.
 */
export function answerOfError(error: unknown): { status: number; body: ErrorAnswer } {
  const raised = isCoded(error) || !(error instanceof Error) || error.cause === undefined ? error : error.cause
  const coded = isCoded(raised) ? raised : undefined
  const name = raised instanceof Error ? raised.name : typeof raised
  return { status: coded?.status ?? 500, body: { handledBy: 'the app', name, code: coded?.code ?? null } }
}

/** By its shape: an adapter under test may have a copy of core of its own. */
function isCoded(error: unknown): error is { code: string; status: number } {
  return error instanceof Error && /^Fhir\w+Error$/.test(error.name) && 'code' in error && 'status' in error
}
