import type { Store } from '../../src/index.ts'

/** Stops each call of a store until it is told to go on, and knows whose call it is. */
export class SteppedStore {
  readonly #inner: Store
  readonly #waiting: { actor: string; go: () => void }[] = []
  #isStepped = false

  constructor(inner: Store) {
    this.#inner = inner
  }

  /** The store as one actor, such as a process, sees it. */
  seenBy(actor: string): Store {
    const stop = async () => {
      if (this.#isStepped) await new Promise<void>((go) => this.#waiting.push({ actor, go }))
    }
    const inner = this.#inner
    return {
      get: (key) => stop().then(() => inner.get(key)),
      set: (key, value, ttlSeconds) => stop().then(() => inner.set(key, value, ttlSeconds)),
      swap: (key, expected, value, ttlSeconds) => stop().then(() => inner.swap(key, expected, value, ttlSeconds)),
      delete: (key, expected) => stop().then(() => inner.delete(key, expected)),
    }
  }

  /**
   * Runs actors side by side. At each moment in which every one of them waits for the store, or is done, the next number of
   * `choices` says whose call is carried out; the first one's, where there is none.
   *
   * @returns how many could have been chosen at each step
   */
  async run(actors: Record<string, () => Promise<unknown>>, choices: readonly number[]): Promise<number[]> {
    const alternatives: number[] = []
    const running = new Set(Object.keys(actors))
    this.#isStepped = true
    for (const [actor, act] of Object.entries(actors)) void act().finally(() => running.delete(actor))
    for (let step = 0; running.size > 0; ) {
      await new Promise((resolve) => setImmediate(resolve))
      const waiting = [...running].filter((actor) => this.#waiting.some((call) => call.actor === actor))
      if (waiting.length < running.size || running.size === 0) continue
      const chosen = waiting[choices[step] ?? 0]
      alternatives.push(waiting.length)
      step++
      const [call] = this.#waiting.splice(
        this.#waiting.findIndex(({ actor }) => actor === chosen),
        1,
      )
      call?.go()
    }
    this.#isStepped = false
    return alternatives
  }
}

/**
 * Calls `run` once for each order there is.
 *
 * @param run - takes the choices to make, and gives how many there were at each step
 * @returns how many orders there are
 */
export async function exploreAll(run: (choices: readonly number[]) => Promise<number[]>): Promise<number> {
  let choices: number[] = []
  for (let orders = 1; ; orders++) {
    const alternatives = await run(choices)
    const made = alternatives.map((_, step) => choices[step] ?? 0)
    let step = made.length - 1
    while (step >= 0 && (made[step] ?? 0) + 1 >= (alternatives[step] ?? 0)) step--
    if (step < 0) return orders
    choices = [...made.slice(0, step), (made[step] ?? 0) + 1]
  }
}
