import { ownCopy } from './own-copy.ts'

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
    this.delete(key)
    this.#entries.set(ownCopy(key), value)
  }

  delete(key: string): void {
    this.#entries.delete(key)
    if (this.#oldest?.[0] === key) this.#oldest = undefined
  }

  /** The entry that was written longest ago. */
  oldest(): [string, V] | undefined {
    while (this.#oldest === undefined && this.#entries.size > 0) {
      this.#oldest = this.#walk.next().value
      // At its end it does not see what is written later.
      if (this.#oldest === undefined) this.#walk = this.#entries.entries()
    }
    return this.#oldest
  }
}
