import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import { Leases } from '../../src/store/leases.ts'
import { failureOf } from '../support/failure-of.ts'

/** Works under a lease, and gives it back. */
async function hold<T>(leases: Leases, name: string, work: () => Promise<T>): Promise<T> {
  const lease = await leases.take(name)
  try {
    return await work()
  } finally {
    await lease.giveBack()
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Work that ends when told. */
function work() {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const state = { isRunning: false }
  const run = async () => {
    state.isRunning = true
    await ended
    state.isRunning = false
  }
  return { state, run, end: () => end() }
}

describe('the lock of a session', () => {
  it('is held by one at a time, and by the next one when that has done', async () => {
    const lock = new Leases(memoryStore(), 10)
    const [first, second] = [work(), work()]
    const done = [hold(lock, 's', first.run), hold(lock, 's', second.run)]
    await vi.advanceTimersByTimeAsync(1000)
    expect([first.state.isRunning, second.state.isRunning]).toEqual([true, false])
    first.end()
    await vi.advanceTimersByTimeAsync(100)
    expect([first.state.isRunning, second.state.isRunning]).toEqual([false, true])
    second.end()
    await Promise.all(done)
  })

  it('is of one session: others go on', async () => {
    const lock = new Leases(memoryStore(), 10)
    const first = work()
    const done = hold(lock, 's', first.run)
    expect(await hold(lock, 't', async () => 'done')).toBe('done')
    first.end()
    await done
  })

  it('is kept by one who works for longer than its term', async () => {
    const lock = new Leases(memoryStore(), 30)
    const [first, second] = [work(), work()]
    const done = [hold(lock, 's', first.run), hold(lock, 's', second.run)]
    await vi.advanceTimersByTimeAsync(30_000)
    expect([first.state.isRunning, second.state.isRunning]).toEqual([true, false])
    first.end()
    await vi.advanceTimersByTimeAsync(100)
    second.end()
    await Promise.all(done)
  })

  it('of a dead holder is taken by a waiter that has seen no renewal for a term, however long the store keeps it', async () => {
    const store = memoryStore()
    store.claim('lock s', 'whoever died', 60)
    const next = work()
    const done = hold(new Leases(store, 10), 's', next.run)
    await vi.advanceTimersByTimeAsync(4900)
    expect(next.state.isRunning).toBe(false)
    await vi.advanceTimersByTimeAsync(300)
    expect(next.state.isRunning).toBe(true)
    next.end()
    await done
    expect(store.holderOf('lock s')).toBeUndefined()
  })

  it('of one who died is taken by one of those who wait', async () => {
    const store = memoryStore()
    store.claim('lock s', 'whoever died', 60)
    const waiters = [work(), work(), work()]
    const done = waiters.map(({ run }) => hold(new Leases(store, 10), 's', run))
    await vi.advanceTimersByTimeAsync(6000)
    expect(waiters.filter(({ state }) => state.isRunning)).toHaveLength(1)
    for (const { end } of waiters) end()
    await vi.advanceTimersByTimeAsync(200)
    await Promise.all(done)
  })

  it('is not taken from its new holder by the one who lost it', async () => {
    const store = memoryStore()
    const first = work()
    const done = hold(new Leases(store, 10), 's', first.run)
    await vi.advanceTimersByTimeAsync(0)
    // As after a pause of its process in which it showed no sign.
    expect(store.takeOver('lock s', store.holderOf('lock s')!, 'the next one', 60)).toBe(true)
    await vi.advanceTimersByTimeAsync(3000)
    first.end()
    await done
    expect(store.holderOf('lock s')).toBe('the next one')
  })

  it('is kept by its holder when the store was away for longer than a term', async () => {
    const inner = memoryStore()
    let isDown = false
    const store = new Proxy(inner, {
      get: (target, name: keyof typeof inner) => {
        const member = target[name]
        if (typeof member !== 'function') return member
        return (...args: never[]) => {
          if (isDown) return Promise.reject(new Error('connection refused'))
          return (member as (...args: never[]) => unknown).apply(target, args)
        }
      },
    })
    const [first, second] = [work(), work()]
    const done = hold(new Leases(store, 10), 's', first.run)
    await vi.advanceTimersByTimeAsync(0)
    isDown = true
    await expect(hold(new Leases(store, 10), 's', second.run)).rejects.toThrow('connection refused')
    await vi.advanceTimersByTimeAsync(20_000)
    isDown = false
    const waiting = hold(new Leases(store, 10), 's', second.run)
    await vi.advanceTimersByTimeAsync(10_000)
    expect([first.state.isRunning, second.state.isRunning]).toEqual([true, false])
    first.end()
    await vi.advanceTimersByTimeAsync(200)
    expect(second.state.isRunning).toBe(true)
    second.end()
    await Promise.all([done, waiting])
    expect(inner.holderOf('lock s')).toBeUndefined()
  })

  it('is given back by a caller that learned too late that it had it', async () => {
    const store = memoryStore()
    const { claim } = store
    store.claim = (...args) => {
      claim.apply(store, args)
      throw new Error('no answer')
    }
    await expect(hold(new Leases(store, 10), 's', async () => {})).rejects.toThrow('no answer')
    await vi.advanceTimersByTimeAsync(0)
    expect(store.holderOf('lock s')).toBeUndefined()
  })

  it.each([8, 20, 40])('is not lost to others while the store is away for %i seconds', async (seconds) => {
    const store = memoryStore()
    let isAway = false
    const away = new Proxy(store, {
      get: (target, name) => {
        const method = Reflect.get(target, name).bind(target)
        return (...args: unknown[]) => (isAway ? Promise.reject(new Error('away')) : method(...args))
      },
    })
    const [first, second] = [work(), work()]
    const done = hold(new Leases(away, 10), 's', first.run)
    await vi.advanceTimersByTimeAsync(1000)
    isAway = true
    await vi.advanceTimersByTimeAsync(seconds * 1000)
    // Whoever comes first when the store is back finds the lock taken, and sees that its holder lives.
    isAway = false
    const next = hold(new Leases(store, 30), 's', second.run)
    await vi.advanceTimersByTimeAsync(12_000)
    expect([first.state.isRunning, second.state.isRunning]).toEqual([true, false])
    first.end()
    await done
    await vi.advanceTimersByTimeAsync(100)
    expect(second.state.isRunning).toBe(true)
    second.end()
    await next
  })

  it('is given back by one who heard too late that it got it', async () => {
    const store = memoryStore()
    const { claim } = store
    const deaf = Object.assign(memoryStore(), {
      claim: (...args: Parameters<typeof claim>) => {
        store.claim(...args)
        return Promise.reject(new Error('too late'))
      },
      release: (...args: Parameters<typeof store.release>) => store.release(...args),
    })
    await expect(hold(new Leases(deaf, 10), 's', async () => {})).rejects.toThrow('too late')
    expect(store.holderOf('lock s')).toBeUndefined()
  })

  it('is given back as soon as the store is there again, where it was away at the end of the work', async () => {
    const store = memoryStore()
    let isAway = false
    const release: typeof store.release = (...args) => {
      if (isAway) throw new Error('away')
      store.release(...args)
    }
    const away = Object.assign(memoryStore(), { claim: store.claim.bind(store), release })
    const lock = new Leases(away, 10)
    for (const id of ['s', 't', 'u']) {
      isAway = false
      await hold(lock, id, async () => {
        isAway = true
      })
    }
    await vi.advanceTimersByTimeAsync(5000)
    expect(['s', 't', 'u'].map((id) => store.holderOf(`lock ${id}`) !== undefined)).toEqual([true, true, true])
    isAway = false
    await vi.advanceTimersByTimeAsync(500)
    expect(['s', 't', 'u'].map((id) => store.holderOf(`lock ${id}`))).toEqual([undefined, undefined, undefined])
  })

  it('is given back also where the work ends while a sign of life is under way', async () => {
    const store = memoryStore()
    const slow = Object.assign(memoryStore(), {
      claim: store.claim.bind(store),
      release: store.release.bind(store),
      renew: async (...args: Parameters<typeof store.renew>) => {
        await new Promise((resolve) => setTimeout(resolve, 200))
        return store.renew(...args)
      },
    })
    const { run, end } = work()
    const done = hold(new Leases(slow, 10), 's', run)
    await vi.advanceTimersByTimeAsync(1700)
    end()
    await vi.advanceTimersByTimeAsync(300)
    await done
    expect(store.holderOf('lock s')).toBeUndefined()
  })

  it('is waited for as long as the work before may take, and a term; then it is an error', async () => {
    const lock = new Leases(memoryStore(), 10)
    const endless = work()
    void hold(lock, 's', endless.run)
    const failure = failureOf(() => hold(lock, 's', async () => {}))
    let isOver = false
    void failure.then(() => {
      isOver = true
    })
    await vi.advanceTimersByTimeAsync(14_500)
    expect(isOver).toBe(false)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await failure).toMatchObject({ code: 'session_store_failed', status: 503 })
    endless.end()
  })

  it('is given back when the work fails, and passes its error on', async () => {
    const lock = new Leases(memoryStore(), 10)
    const reason = new Error('no')
    await expect(hold(lock, 's', () => Promise.reject(reason))).rejects.toBe(reason)
    expect(await hold(lock, 's', async () => 'done')).toBe('done')
  })
})
