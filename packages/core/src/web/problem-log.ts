import type { FhirAuthError } from '../errors.ts'

/** Of the shape that pino, bunyan and `console` have: fields, then a message. */
export interface ProblemLogger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** Where a problem happened; what is not known stays out. */
export interface ProblemPlace {
  readonly fhirBaseUrl?: string | undefined
  readonly clientId?: string | undefined
  readonly launchId?: string | undefined
}

/** One line for the operator. */
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
      // A log that fails must not fail the answer.
    }
  }
}

/** Whether it is a problem for an operator: a person who has yet to log in, or a robot's method, is none. */
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
  // biome-ignore lint/suspicious/noConsole: an operator who has set nothing sees problems all the same
  console.error(JSON.stringify({ level, message: `fhir-auth: ${error.message}`, ...fields }))
}
