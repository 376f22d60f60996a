import { FhirAuthError } from '../errors.ts'
import { networkReason } from '../http/send-bounded.ts'
import { Cancellation } from '../shared/cancellation.ts'
import type { StreamedRequest } from '../web/adapter-contract.ts'

/** Ends the exchange when the FHIR server is silent for too long, or when the browser goes away. */
export class Patience {
  /** For whatever is under way. */
  readonly cancellation: Cancellation = new Cancellation()
  readonly #milliseconds: number
  #timer: ReturnType<typeof setTimeout> | undefined
  #isOverdue = false
  #isWaiting = false

  constructor(browser: Pick<StreamedRequest, 'hasLeft' | 'onLeave'>, timeoutSeconds: number) {
    this.#milliseconds = timeoutSeconds * 1000
    if (browser.hasLeft) this.cancellation.cancel()
    else browser.onLeave(() => this.cancellation.cancel())
  }

  /** Waits for the server: the clock only runs meanwhile, not while the browser is slow. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#isWaiting = true
    this.#startClock()
    try {
      return await work()
    } catch (error) {
      throw this.#failure(error)
    } finally {
      this.#isWaiting = false
      clearTimeout(this.#timer)
    }
  }

  /** A body on its way to the server: the clock stands while the browser is waited for, and begins anew with each part. */
  async *paced(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    clearTimeout(this.#timer)
    for await (const part of body) {
      if (this.#isWaiting) this.#startClock()
      yield part
      clearTimeout(this.#timer)
    }
    if (this.#isWaiting) this.#startClock()
  }

  #startClock(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#isOverdue = true
      this.cancellation.cancel()
    }, this.#milliseconds)
  }

  #failure(error: unknown): unknown {
    if (this.#isOverdue) {
      return new FhirAuthError(
        'timeout',
        `The FHIR server did not answer within ${this.#milliseconds / 1000} s. Try again later, or raise timeoutSeconds of fhirProxy().`,
      )
    }
    if (error instanceof FhirAuthError) return error
    // No cause: it may contain what was received.
    return new FhirAuthError('network_error', `The FHIR server could not be reached: ${networkReason(error)}.`)
  }
}
