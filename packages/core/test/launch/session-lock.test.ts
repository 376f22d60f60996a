import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryStore } from '../../src/index.ts'
import { SessionLock } from '../../src/launch/session-lock.ts'
import { failureOf } from '../support/failure-of.ts'

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
    const lock = new SessionLock(memoryStore(), 10)
    const [first, second] = [work(), work()]
    const done = [lock.hold('s', first.run), lock.hold('s', second.run)]
    await vi.advanceTimersByTimeAsync(1000)
    expect([first.state.isRunning, second.state.isRunning]).toEqual([true, false])
    first.end()
    await vi.advanceTimersByTimeAsync(100)
    expect([first.state.isRunning, second.state.isRunning]).toEqual([false, true])
    second.end()
    await Promise.all(done)
  })

  it('is of one session: others go on', async () => {
    const lock = new SessionLock(memoryStore(), 10)
    const first = work()
    const done = lock.hold('s', first.run)
    expect(await lock.hold('t', async () => 'done')).toBe('done')
    first.end()
    await done
  })

  it('is kept by one who works for longer than its term', async () => {
    const lock = new SessionLock(memoryStore(), 30)
    const [first, second] = [work(), work()]
    const done = [lock.hold('s', first.run), lock.hold('s', second.run)]
    await vi.advanceTimersByTimeAsync(30_000)
    expect([first.state.isRunning, second.state.isRunning]).toEqual([true, false])
    first.end()
    await vi.advanceTimersByTimeAsync(100)
    second.end()
    await Promise.all(done)
  })

  it('of one who died is free after its term', async () => {
    const store = memoryStore()
    store.claim('lock s', 'whoever died', 5)
    const next = work()
    const done = new SessionLock(store, 10).hold('s', next.run)
    await vi.advanceTimersByTimeAsync(4900)
    expect(next.state.isRunning).toBe(false)
    await vi.advanceTimersByTimeAsync(200)
    expect(next.state.isRunning).toBe(true)
    next.end()
    await done
  })

  it('is not taken from whoever got it since by one who lost it', async () => {
    const store = memoryStore()
    const first = work()
    const done = new SessionLock(store, 10).hold('s', first.run)
    await vi.advanceTimersByTimeAsync(0)
    // As after a pause of the process that was longer than its term.
    vi.setSystemTime(Date.now() + 6000)
    expect(store.claim('lock s', 'the next one', 60)).toBe(true)
    await vi.advanceTimersByTimeAsync(3000)
    first.end()
    await done
    expect(store.claim('lock s', 'a third one', 5)).toBe(false)
  })

  it('is waited for as long as the work before may take, and a term; then it is an error', async () => {
    const lock = new SessionLock(memoryStore(), 10)
    const endless = work()
    void lock.hold('s', endless.run)
    const failure = failureOf(() => lock.hold('s', async () => {}))
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
    const lock = new SessionLock(memoryStore(), 10)
    const reason = new Error('no')
    await expect(lock.hold('s', () => Promise.reject(reason))).rejects.toBe(reason)
    expect(await lock.hold('s', async () => 'done')).toBe('done')
  })
})
