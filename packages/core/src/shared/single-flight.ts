/**
 * Cloudflare Workers ends what a request has begun together with that request, and its promise never settles. A promise
 * older than this is taken for such a one: no work in this library takes so long.
 */
const STRANDED_MILLISECONDS = 30_000

interface Flight<T> {
  readonly promise: Promise<T>
  /** In milliseconds since the epoch. */
  readonly startedAt: number
}

/** One piece of work for each key at a time: whoever asks while it is under way gets the same promise. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>()

  run(key: string, work: () => Promise<T>): Promise<T> {
    const known = this.#flights.get(key)
    if (known !== undefined && !isStranded(known)) return known.promise
    const promise = work().finally(() => {
      if (this.#flights.get(key)?.promise === promise) this.#flights.delete(key)
    })
    this.#flights.set(key, { promise, startedAt: Date.now() })
    return promise
  }

  /** The work under way for a key. */
  get(key: string): Promise<T> | undefined {
    return this.#flights.get(key)?.promise
  }
}

function isStranded({ startedAt }: Flight<unknown>): boolean {
  const { navigator } = globalThis as { navigator?: { userAgent?: string } } // Node 20 has none
  return navigator?.userAgent === 'Cloudflare-Workers' && Date.now() - startedAt > STRANDED_MILLISECONDS
}
