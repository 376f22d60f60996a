/**
 * Cloudflare Workers stops work together with the request that began it, and then its promise never settles. An older
 * promise than this counts as such: no work in this library takes so long.
 */
const STRANDED_MILLISECONDS = 30_000

interface Flight<T> {
  readonly promise: Promise<T>
  /** In milliseconds since the epoch. */
  readonly startedAt: number
}

/** Runs one piece of work for each key at a time. Callers that come while it runs get the same promise. */
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

  /** The promise of the work that is running for a key. */
  get(key: string): Promise<T> | undefined {
    return this.#flights.get(key)?.promise
  }
}

function isStranded({ startedAt }: Flight<unknown>): boolean {
  const { navigator } = globalThis as { navigator?: { userAgent?: string } } // Node 20 has none
  return navigator?.userAgent === 'Cloudflare-Workers' && Date.now() - startedAt > STRANDED_MILLISECONDS
}
