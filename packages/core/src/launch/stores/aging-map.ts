import { ownCopy } from './own-copy.ts'

/** The walk starts again when the map has grown by a quarter: passing what was deleted is then paid for by what was added. */
const GROWTH = 1.25

/**
 * A map in the order of writing, whose oldest entry is found at once. A plain `Map` that is read from its start passes all
 * that was deleted there, each time: with a million entries that is milliseconds.
 */
export class AgingMap<V> {
  readonly #entries = new Map<string, V>()
  /** Goes on where it was, whatever is written and deleted meanwhile. */
  #walk = this.#entries.entries()
  #sizeAtStart = 0
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
    // A walk holds on to the table that it began in, after the map has grown out of it.
    if (this.#entries.size > GROWTH * this.#sizeAtStart) this.#startAgain()
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
    this.#sizeAtStart = this.#entries.size
    this.#oldest = this.#walk.next().value
  }
}
