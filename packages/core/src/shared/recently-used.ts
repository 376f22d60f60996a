import { detachedText } from './detached-text.ts'

/**
 * What was used last: at least so many entries, at most twice as many. Two generations, so that a read is a lookup and
 * nothing else: what is found in the older one moves to the younger, and when that is full, the older one is forgotten.
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
