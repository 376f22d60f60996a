import { detachedText } from './detached-text.ts'

/** The walk starts again after so many changes, or after as many as a share of all entries. */
const CHANGES = 1000
const CHANGES_SHARE = 0.25

/**
 * A map in the order of writing, whose oldest entry is found at once. A plain `Map` that is read from its start passes all
 * that was deleted there, each time: with a million entries that is milliseconds.
 */
export class AgingMap<V> {
  readonly #entries = new Map<string, V>()
  /** Goes on where it was, whatever is written and deleted meanwhile. */
  #walk = this.#entries.entries()
  #changes = 0
  #oldest: [string, V] | undefined

  get size(): number {
    return this.#entries.size
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: V): void {
    this.delete(key)
    this.#entries.set(detachedText(key), value)
    // A walk holds on to the table that it is in, and to all that was in it, when the map has moved to another one.
    if (++this.#changes > Math.max(CHANGES, this.#entries.size * CHANGES_SHARE)) this.#startAgain()
  }

  delete(key: string): void {
    this.#entries.delete(key)
    if (this.#oldest?.[0] === key) this.#oldest = undefined
  }

  /** The entry that was written longest ago. */
  oldest(): [string, V] | undefined {
    this.#oldest ??= this.#walk.next().value
    // At its end it does not see what is written later.
    if (this.#oldest === undefined && this.#entries.size > 0) this.#startAgain()
    return this.#oldest
  }

  #startAgain(): void {
    this.#walk = this.#entries.entries()
    this.#changes = 0
    this.#oldest = this.#walk.next().value
  }
}
