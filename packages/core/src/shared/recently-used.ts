import { detachedText } from './detached-text.ts'

/**
 * A bounded map of the entries that were used last: it keeps at least `count` and at most twice as many. It has two
 * generations, which keeps reads cheap. An entry that is found in the older one moves to the younger one. When the younger
 * one is full, the older one is dropped.
 */
export class RecentlyUsed<V> {
  readonly #count: number
  #younger = new Map<string, V>()
  #older = new Map<string, V>()

  constructor(count: number) {
    this.#count = count
  }

  get(key: string): V | undefined {
    const value = this.#younger.get(key)
    if (value !== undefined) return value
    const older = this.#older.get(key)
    if (older !== undefined) this.set(key, older)
    return older
  }

  set(key: string, value: V): void {
    if (this.#younger.size >= this.#count) {
      this.#older = this.#younger
      this.#younger = new Map()
    }
    this.#younger.set(detachedText(key), value)
  }

  values(): V[] {
    const older = [...this.#older].filter(([key]) => !this.#younger.has(key))
    return [...older.map(([, value]) => value), ...this.#younger.values()]
  }

  delete(key: string): void {
    this.#younger.delete(key)
    this.#older.delete(key)
  }
}
