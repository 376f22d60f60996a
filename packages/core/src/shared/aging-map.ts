import { detachedText } from './detached-text.ts'

/** The iterator is replaced after this many changes, or after changes to this share of all entries if that is more. */
const CHANGES = 1000
const CHANGES_SHARE = 0.25

/**
 * A map in the order of writing that finds its oldest entry fast. A new iterator of a plain `Map` first skips all deleted
 * entries at the start: with a million entries that takes milliseconds.
 */
export class AgingMap<V> {
  readonly #entries = new Map<string, V>()
  /** Kept between calls, so that it does not skip the deleted entries again. */
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
    // An old iterator keeps the map's former table, with everything in it, in memory.
    if (++this.#changes > Math.max(CHANGES, this.#entries.size * CHANGES_SHARE)) this.#startAgain()
  }

  delete(key: string): void {
    this.#entries.delete(key)
    if (this.#oldest?.[0] === key) this.#oldest = undefined
  }

  /** The entry that was written longest ago. */
  oldest(): [string, V] | undefined {
    this.#oldest ??= this.#walk.next().value
    // An iterator that has ended does not see later entries.
    if (this.#oldest === undefined && this.#entries.size > 0) this.#startAgain()
    return this.#oldest
  }

  #startAgain(): void {
    this.#walk = this.#entries.entries()
    this.#changes = 0
    this.#oldest = this.#walk.next().value
  }
}
