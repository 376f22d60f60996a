import type { FhirAuthError } from '../errors.ts'

/** A logger such as pino, bunyan or `console`: first the fields, then a message. */
export interface ProblemLogger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** Where a problem happened, as far as it is known. */
export interface ProblemPlace {
  readonly fhirBaseUrl?: string | undefined
  readonly clientId?: string | undefined
  readonly launchId?: string | undefined
}

/** Writes one log line for the operator. */
export type TellOperator = (error: FhirAuthError, place: ProblemPlace) => void

/** The option `log`: a logger, or `false` for none. Default: a line of JSON on `console.error`. */
export type LogOption = ProblemLogger | false | undefined

export function tellOperatorBy(log: LogOption): TellOperator {
  if (log === false) return () => {}
  return function tellOperator(error, place) {
    const fields = { fhirAuth: { ...fieldsOf(error), ...place } }
    try {
      if (log === undefined) printLine(error, fields)
      else if (error.status >= 500) log.error(fields, error.message)
      else log.warn(fields, error.message)
    } catch {
      // A logger that throws must not break the answer.
    }
  }
}

/** Whether to log a problem for the operator. A missing login and a wrong method are part of normal traffic. */
export function isWorthTelling({ code, status }: FhirAuthError): boolean {
  return status >= 500 || (code !== 'login_required' && code !== 'method_not_allowed')
}

function fieldsOf(error: FhirAuthError): object {
  const { reference, code, status, error: oauthError, error_description, cause } = error
  const because = cause instanceof Error ? { cause: `${cause.name}: ${cause.message}` } : {}
  return { reference, code, status, error: oauthError, error_description, ...because }
}

function printLine(error: FhirAuthError, fields: object): void {
  const level = error.status >= 500 ? 'error' : 'warn'
  // biome-ignore lint/suspicious/noConsole: without any configuration, an operator must still see problems
  console.error(JSON.stringify({ level, message: `fhir-auth: ${error.message}`, ...fields }))
}
