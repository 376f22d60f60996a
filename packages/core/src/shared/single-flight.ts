/**
 * One piece of work for each key at a time: whoever asks while it is under way gets the same promise.
 *
 * Cloudflare Workers ends what a request has begun together with that request, and its promise never settles. There each
 * caller does the work itself.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>()

  run(key: string, work: () => Promise<T>): Promise<T> {
    const known = this.#flights.get(key)
    if (known !== undefined && !endsWorkWithItsRequest()) return known
    const flight = work().finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    })
    this.#flights.set(key, flight)
    return flight
  }

  /** The work under way for a key. */
  get(key: string): Promise<T> | undefined {
    return this.#flights.get(key)
  }
}

function endsWorkWithItsRequest(): boolean {
  const { navigator } = globalThis as { navigator?: { userAgent?: string } } // Node 20 has none
  return navigator?.userAgent === 'Cloudflare-Workers'
}
