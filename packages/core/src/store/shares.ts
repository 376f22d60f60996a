/** Counts the bytes of a store's records by share, such as one share for each server. */
export class Shares<R> {
  readonly #shareOf: (record: R) => string
  readonly #bytes = new Map<string, number>()

  constructor(shareOf: (record: R) => string) {
    this.#shareOf = shareOf
  }

  /** @param bytes - negative for a record that is removed */
  count(record: R, bytes: number): void {
    const share = this.#shareOf(record)
    const total = (this.#bytes.get(share) ?? 0) + bytes
    if (total > 0) this.#bytes.set(share, total)
    else this.#bytes.delete(share)
  }

  /** Whether this record's share is the largest. */
  isOfLargest(record: R): boolean {
    const own = this.#bytes.get(this.#shareOf(record)) ?? 0
    for (const bytes of this.#bytes.values()) if (bytes > own) return false
    return true
  }
}
