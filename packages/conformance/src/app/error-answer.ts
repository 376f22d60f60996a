/** The response of the app's own error handler. It proves that the error went through the framework's error handling. */
export interface ErrorAnswer {
  handledBy: 'the app'
  name: string
  code: string | null
}

/**
 * The response of the app's own error handler, for any framework. If the framework has wrapped the adapter's error, that is
 * the `cause`.
 */
export function answerOfError(error: unknown): { status: number; body: ErrorAnswer } {
  const raised = isCoded(error) || !(error instanceof Error) || error.cause === undefined ? error : error.cause
  const coded = isCoded(raised) ? raised : undefined
  const name = raised instanceof Error ? raised.name : typeof raised
  return { status: coded?.status ?? 500, body: { handledBy: 'the app', name, code: coded?.code ?? null } }
}

/** Checks the shape, because an adapter under test may have its own copy of core. */
function isCoded(error: unknown): error is { code: string; status: number } {
  return error instanceof Error && /^Fhir\w+Error$/.test(error.name) && 'code' in error && 'status' in error
}
