import { FhirAuthError } from '../errors.ts'
import type { OperationOutcome } from './operation-outcome.ts'

export interface FhirRequestErrorDetails {
  readonly status: number
  readonly serverStatus: number
  readonly operationOutcome: OperationOutcome | undefined
  readonly retryAfterSeconds: number | undefined
}

/**
 * The FHIR server refused what `fhir.json` asked. `status` is what the app answers with: the server's own for a fault of
 * the request (4xx), 503 and 504, else 502.
 */
export class FhirRequestError extends FhirAuthError {
  override readonly name: string = 'FhirRequestError'
  /** The status that the FHIR server answered with. */
  readonly serverStatus: number
  // Private, since it may be about a patient: neither a log nor JSON shows it by itself.
  readonly #operationOutcome: OperationOutcome | undefined

  constructor(message: string, details: FhirRequestErrorDetails) {
    const { status, serverStatus, operationOutcome, retryAfterSeconds } = details
    super('fhir_request_failed', message, { status, retryAfterSeconds })
    this.serverStatus = serverStatus
    this.#operationOutcome = operationOutcome
  }

  /** What the server says about it, if it sent an OperationOutcome. */
  get operationOutcome(): OperationOutcome | undefined {
    return this.#operationOutcome
  }
}
