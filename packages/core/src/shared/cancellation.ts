/** Tells its listener that nobody waits any more: an `AbortController` for one, at a small part of its cost on Node. */
export class Cancellation {
  #isCancelled = false
  #listener: (() => void) | undefined

  get isCancelled(): boolean {
    return this.#isCancelled
  }

  cancel(): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    this.#listener?.()
  }

  /** Calls back once, at once if it is too late. A further listener takes the place of the one before. */
  onCancel(listener: () => void): void {
    this.#listener = listener
    if (this.#isCancelled) listener()
  }
}
