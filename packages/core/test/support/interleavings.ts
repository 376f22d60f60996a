import type { Store } from '../../src/index.ts'

/** What one actor is about to do to what the actors share. */
interface Step {
  readonly actor: string
  /** The part of the shared state: a key of the store, or a server. */
  readonly of: string
  readonly isRead: boolean
}

/** The steps that could be taken at one moment, and the place of the one that was. */
interface Moment {
  readonly steps: readonly Step[]
  readonly taken: number
}

/** Stops every call of the actors to a store and to a server, and lets one go on at a time. */
export class Stage {
  readonly #waiting: { step: Step; go: () => void }[] = []
  #isStepped = false

  /** The store as one actor, such as a process, sees it. */
  store(actor: string, store: Store): Store {
    return {
      get: (key) => this.#stop({ actor, of: key, isRead: true }).then(() => store.get(key)),
      set: (key, value, ttlSeconds) =>
        this.#stop({ actor, of: key, isRead: false }).then(() => store.set(key, value, ttlSeconds)),
      swap: (key, expected, value, ttlSeconds) =>
        this.#stop({ actor, of: key, isRead: false }).then(() => store.swap(key, expected, value, ttlSeconds)),
      delete: (key, expected) => this.#stop({ actor, of: key, isRead: false }).then(() => store.delete(key, expected)),
    }
  }

  /** The server as one actor sees it. */
  fetch(actor: string, send: typeof fetch): typeof fetch {
    return (...request) => this.#stop({ actor, of: 'the server', isRead: false }).then(() => send(...request))
  }

  async #stop(step: Step): Promise<void> {
    if (this.#isStepped) await new Promise<void>((go) => this.#waiting.push({ step, go }))
  }

  /**
   * Runs actors side by side. At each moment in which every one of them waits, or is done, `choose` says whose step is taken;
   * with `undefined` nothing goes on.
   *
   * @returns whether the actors came to their ends
   */
  async run(
    actors: Readonly<Record<string, () => Promise<unknown>>>,
    choose: (steps: readonly Step[]) => number | undefined,
  ): Promise<boolean> {
    const running = new Set(Object.keys(actors))
    this.#isStepped = true
    for (const [actor, act] of Object.entries(actors)) void act().finally(() => running.delete(actor))
    while (running.size > 0) {
      await new Promise((resolve) => setImmediate(resolve))
      const next = [...running].flatMap((actor) => this.#waiting.find(({ step }) => step.actor === actor) ?? [])
      if (next.length < running.size || running.size === 0) continue
      const chosen = choose(next.map(({ step }) => step))
      const call = chosen === undefined ? undefined : next[chosen]
      if (call === undefined) return false
      this.#waiting.splice(this.#waiting.indexOf(call), 1)
      call.go()
    }
    this.#isStepped = false
    return true
  }
}

/**
 * Calls `run` for the orders there are. Two steps that do not touch the same thing, or both only read it, give the same in
 * either order; of orders that differ in such pairs alone, one is run (sleep sets: Godefroid, "Partial-Order Methods for the
 * Verification of Concurrent Systems", section 5).
 *
 * @param run - takes what chooses each step, and plays one order from the beginning
 * @returns how many orders were run to their end
 */
export async function exploreAll(
  run: (choose: (steps: readonly Step[]) => number | undefined) => Promise<boolean>,
): Promise<number> {
  let planned: number[] = []
  for (let orders = 0; ; ) {
    const path: Moment[] = []
    // Steps of which every order that begins with them has been run, since nothing has touched what they touch.
    let asleep: Step[] = []
    const choose = (steps: readonly Step[]): number | undefined => {
      const isAsleep = (step: Step) => asleep.some((other) => isSame(step, other))
      const taken = planned[path.length] ?? steps.findIndex((step) => !isAsleep(step))
      const step = steps[taken]
      if (step === undefined) return undefined
      const done = [...asleep, ...steps.slice(0, taken).filter((other) => !isAsleep(other))]
      asleep = done.filter((other) => isIndependent(other, step))
      path.push({ steps, taken })
      return taken
    }
    if (await run(choose)) orders++
    const next = nextPath(path)
    if (next === undefined) return orders
    planned = next
  }
}

/** The choices that lead to the next order; those of a moment are taken from its first step to its last. */
function nextPath(path: readonly Moment[]): number[] | undefined {
  let at = path.length - 1
  while (at >= 0 && (path[at]?.taken ?? 0) + 1 >= (path[at]?.steps.length ?? 0)) at--
  if (at < 0) return undefined
  return [...path.slice(0, at).map(({ taken }) => taken), (path[at]?.taken ?? 0) + 1]
}

function isSame(a: Step, b: Step): boolean {
  return a.actor === b.actor && a.of === b.of && a.isRead === b.isRead
}

function isIndependent(a: Step, b: Step): boolean {
  return a.actor !== b.actor && (a.of !== b.of || (a.isRead && b.isRead))
}
