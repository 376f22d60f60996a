/**
 * A map in the order of writing, whose oldest entry is found at once. A plain `Map` that is read from its start passes all
 * that was deleted there, each time: with a million entries that is milliseconds.
 */
export class AgingMap<V> {
  readonly #entries = new Map<string, V>()
  /** Goes on where it was, whatever is written and deleted meanwhile. */
  #walk = this.#entries.entries()
  #oldest: [string, V] | undefined

  get size(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  /** The entry that was written longest ago. */
  oldest(): [string, V] | undefined {
    for (;;) {
      if (this.#oldest && this.#entries.get(this.#oldest[0]) === this.#oldest[1]) return this.#oldest
      const { value, done } = this.#walk.next()
      this.#oldest = value
      if (!done) continue
      // It has come to its end, and does not see what is written later.
      this.#walk = this.#entries.entries()
      if (this.#entries.size === 0) return undefined
    }
  }
}
