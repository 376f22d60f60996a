import { FhirAuthError } from '../errors.ts'
import type { OperationOutcome } from './operation-outcome.ts'

export interface FhirRequestErrorDetails {
  readonly status: number
  readonly serverStatus: number
  readonly operationOutcome: OperationOutcome | undefined
  readonly retryAfterSeconds: number | undefined
}

/**
 * The FHIR server refused a request of `fhir.json`. `status` is for the app's own response: the server's status for 4xx, 503
 * and 504, otherwise 502.
 */
export class FhirRequestError extends FhirAuthError {
  override readonly name: string = 'FhirRequestError'
  /** The status of the FHIR server's response. */
  readonly serverStatus: number
  // Private, so that logs and JSON do not show it: it may contain patient data.
  readonly #operationOutcome: OperationOutcome | undefined

  constructor(message: string, details: FhirRequestErrorDetails) {
    const { status, serverStatus, operationOutcome, retryAfterSeconds } = details
    super('fhir_request_failed', message, { status, retryAfterSeconds })
    this.serverStatus = serverStatus
    this.#operationOutcome = operationOutcome
  }

  /** The server's OperationOutcome, if it sent one. */
  get operationOutcome(): OperationOutcome | undefined {
    return this.#operationOutcome
  }
}
