import { asFhirAuthError, type FhirAuthError } from '../errors.ts'
import type { MaybePromise } from '../shared/maybe-promise.ts'
import type { SigningKey } from './signing-key.ts'

/** Nobody waits longer for a source: what is there goes on signing. */
const WAIT_MS = 5000

/**
 * Reads keys again from where they come from, when somebody needs them and the last reading is some time ago. Without a
 * timer, so that it holds no process open and works where processes sleep.
 */
export class KeyReloader {
  readonly #read: () => Promise<readonly SigningKey[]>
  readonly #everySeconds: number
  #readAt: number
  #inFlight: Promise<void> | undefined
  failure: FhirAuthError | undefined

  /** @param readAt - when the keys were read last, in milliseconds since the epoch */
  constructor(read: () => Promise<readonly SigningKey[]>, everySeconds: number, readAt: number) {
    this.#read = read
    this.#everySeconds = everySeconds
    this.#readAt = readAt
  }

  /** @param apply - takes the new keys, or throws */
  refresh(now: number, apply: (keys: readonly SigningKey[]) => void): MaybePromise<void> {
    if (this.#inFlight) return this.#inFlight
    // A clock that was set back must not stop it.
    if (Math.abs(now - this.#readAt) < this.#everySeconds * 1000) return undefined
    this.#readAt = now
    this.#inFlight = withinLimit(this.#reload(now, apply)).finally(() => {
      this.#inFlight = undefined
    })
    return this.#inFlight
  }

  async #reload(now: number, apply: (keys: readonly SigningKey[]) => void): Promise<void> {
    // A reading that took so long that another one began is of the past.
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

async function withinLimit(work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, WAIT_MS)
  })
  await Promise.race([work, limit])
  clearTimeout(timer)
}
