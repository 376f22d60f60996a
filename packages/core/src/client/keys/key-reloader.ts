import { asFhirAuthError, FhirAuthError } from '../../errors.ts'
import type { MaybePromise } from '../../shared/maybe-promise.ts'
import { SingleFlight } from '../../shared/single-flight.ts'
import { withTimeLimit } from '../../shared/time-limit.ts'
import type { LoadedKeys } from './loaded-keys.ts'

/** Time limit of a source. After that, the old keys stay in use. */
const WAIT_SECONDS = 5
const READING = 'keys'

/**
 * Reads keys again from their source, when they are needed and the last reading is some time ago. It uses no timer, so it does
 * not keep a process alive, and works in runtimes that suspend processes.
 */
export class KeyReloader {
  readonly #read: () => Promise<LoadedKeys>
  readonly #everySeconds: number
  readonly #flight = new SingleFlight<void>()
  #readAt: number
  failure: FhirAuthError | undefined

  /** @param readAt - when the keys were read last, in milliseconds since the epoch */
  constructor(read: () => Promise<LoadedKeys>, everySeconds: number, readAt: number) {
    this.#read = read
    this.#everySeconds = everySeconds
    this.#readAt = readAt
  }

  /** @param apply - takes the new keys, or throws */
  refresh(now: number, apply: (keys: LoadedKeys) => void): MaybePromise<void> {
    // abs(), so that it also works after the clock was set back.
    const isDue = Math.abs(now - this.#readAt) >= this.#everySeconds * 1000
    if (!isDue && this.#flight.get(READING) === undefined) return undefined
    return this.#flight.run(READING, () => {
      this.#readAt = now
      return withTimeLimit(() => this.#reload(now, apply), WAIT_SECONDS, lateError).catch((error: FhirAuthError) => {
        this.failure = error
      })
    })
  }

  async #reload(now: number, apply: (keys: LoadedKeys) => void): Promise<void> {
    // If another reading has begun meanwhile, this one is outdated.
    const isNewest = () => this.#readAt === now
    try {
      const keys = await this.#read()
      if (!isNewest()) return
      apply(keys)
      this.failure = undefined
    } catch (error) {
      if (!isNewest()) return
      this.failure = asFhirAuthError(error, 'invalid_key', 'The keys could not be read again; the cause says why.')
    }
  }
}

function lateError(): FhirAuthError {
  return new FhirAuthError(
    'timeout',
    `The source of the keys has not answered for ${WAIT_SECONDS} s. The current keys stay in use.`,
  )
}
