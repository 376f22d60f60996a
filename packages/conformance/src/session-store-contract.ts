import type { Store } from '@fhir-auth/core'
import { beforeAll, describe, expect, it, vi } from 'vitest'

/**
 * Opens a store, as a process of an app does. Stores of the same namespace share their data; stores of different namespaces
 * do not. Your test file must also close it, after the tests.
 */
export type OpenStore = (namespace: string) => Store | Promise<Store>

const CALLERS = 100
/** Times to live, in seconds. */
const LONG = 60
const SHORT = 2

/** The contract of a store, as core relies on it. Each rule must hold between two processes, so there are two stores, `a` and `b`. */
export function describeSessionStore(name: string, open: OpenStore): void {
  describe(name, () => {
    let a: Store
    let b: Store
    let stranger: Store
    beforeAll(async () => {
      const namespace = `test-${crypto.randomUUID()}:`
      a = await open(namespace)
      b = await open(namespace)
      stranger = await open(`other-${crypto.randomUUID()}:`)
    })

    it('an unknown key has no value, and nothing happens to it', async () => {
      const key = crypto.randomUUID()
      expect(await a.get(key)).not.toBeTypeOf('string')
      expect(await a.swap(key, 'something', 'new', LONG)).toBe(false)
      await a.delete(key)
      await a.delete(key, 'something')
      expect(await a.get(key)).not.toBeTypeOf('string')
    })

    it('a value is there for everybody, until it is replaced or removed', async () => {
      const key = crypto.randomUUID()
      await a.set(key, 'first', LONG)
      expect(await b.get(key)).toBe('first')
      await b.set(key, 'second', LONG)
      expect(await a.get(key)).toBe('second')
      await a.delete(key)
      expect(await b.get(key)).not.toBeTypeOf('string')
    })

    it.each([
      ['line ends and quotes', '\r\n"\'`\\%s$1\t--;'],
      ['a NUL byte', 'before\0after'],
      ['every plane of Unicode', 'é ß 漢字 \u2028 \uffff 🩺 𠮷'],
      ['a number', '007'],
      ['300,000 characters', 'sealed'.repeat(50_000)],
    ])('a value comes back as it was: %s', async (_, value) => {
      const key = crypto.randomUUID()
      await a.set(key, value, LONG)
      expect(await b.get(key)).toBe(value)
      expect(await b.swap(key, value, `${value} `, LONG)).toBe(true)
      await a.delete(key, value)
      expect(await b.get(key)).toBe(`${value} `)
      await a.delete(key, `${value} `)
      expect(await b.get(key)).not.toBeTypeOf('string')
    })

    it('a swap from nothing writes only where nothing is', async () => {
      const key = crypto.randomUUID()
      expect(await a.swap(key, undefined, 'mine', LONG)).toBe(true)
      expect(await b.swap(key, undefined, 'theirs', LONG)).toBe(false)
      // The same owner cannot take it a second time.
      expect(await a.swap(key, undefined, 'mine', LONG)).toBe(false)
      expect(await b.get(key)).toBe('mine')
      await a.delete(key)
      expect(await b.swap(key, undefined, 'theirs', LONG)).toBe(true)
    })

    it('a swap from a value writes only where exactly that is', async () => {
      const key = crypto.randomUUID()
      await a.set(key, 'one', LONG)
      expect(await b.swap(key, 'one', 'two', LONG)).toBe(true)
      expect(await a.swap(key, 'one', 'three', LONG)).toBe(false)
      expect(await a.swap(key, 'tw', 'three', LONG)).toBe(false)
      expect(await a.get(key)).toBe('two')
      expect(await a.swap(key, 'two', 'two', LONG)).toBe(true)
    })

    it('a key is removed by its owner alone', async () => {
      const key = crypto.randomUUID()
      await a.set(key, 'owner a', LONG)
      await b.delete(key, 'owner b')
      expect(await b.get(key)).toBe('owner a')
      await b.delete(key, 'owner a')
      expect(await a.get(key)).not.toBeTypeOf('string')
    })

    it(`of ${CALLERS} swaps from nothing at once, one writes`, async () => {
      const key = crypto.randomUUID()
      const wrote = await race((store, caller) => store.swap(key, undefined, `caller ${caller}`, LONG))
      expect(wrote).toHaveLength(1)
      expect(await a.get(key)).toBe(`caller ${wrote[0]}`)
    })

    it(`of ${CALLERS} swaps from the same value at once, one writes`, async () => {
      const key = crypto.randomUUID()
      await a.set(key, 'start', LONG)
      const wrote = await race((store, caller) => store.swap(key, 'start', `caller ${caller}`, LONG))
      expect(wrote).toHaveLength(1)
      expect(await a.get(key)).toBe(`caller ${wrote[0]}`)
    })

    it('a lock is held by one at a time, and each gives back only its own', async () => {
      const key = crypto.randomUUID()
      let holders = 0
      const holdersSeen: number[] = []
      const pause = (milliseconds = 1) => new Promise((resolve) => setTimeout(resolve, milliseconds))
      const holdOnce = async (store: Store, owner: string): Promise<void> => {
        while (!(await store.swap(key, undefined, owner, LONG))) await pause()
        holdersSeen.push(++holders)
        await pause(10)
        holders--
        await store.delete(key, owner)
        await pause(5)
        // Too late: another owner may have the lock by now.
        await store.delete(key, owner)
      }
      await Promise.all(Array.from({ length: 20 }, (_, caller) => holdOnce(caller % 2 ? a : b, `owner ${caller}`)))
      expect(holdersSeen).toEqual(Array.from({ length: 20 }, () => 1))
    })

    it('no change is lost when many read, compute and swap', async () => {
      const key = crypto.randomUUID()
      await a.set(key, '0', LONG)
      const addOne = async (store: Store): Promise<void> => {
        const before = (await store.get(key)) ?? undefined
        if (!(await store.swap(key, before, String(Number(before) + 1), LONG))) await addOne(store)
      }
      await Promise.all(Array.from({ length: 40 }, (_, caller) => addOne(caller % 2 ? a : b)))
      expect(await b.get(key)).toBe('40')
    })

    it('a value goes when its time is up, whichever way it came, and the last time counts', async () => {
      const key = (name: string) => `${name} ${runId}`
      const runId = crypto.randomUUID()
      await a.set(key('prolonged'), 'short', SHORT)
      await a.set(key('prolonged'), 'long', LONG)
      await a.set(key('renewed'), 'short', SHORT)
      expect(await a.swap(key('renewed'), 'short', 'long', LONG)).toBe(true)
      // These are written last, so when they have expired, the first expiry of the others has passed too.
      await a.set(key('set'), 'set', SHORT)
      expect(await a.swap(key('claimed'), undefined, 'claimed', SHORT)).toBe(true)
      await a.set(key('swapped'), 'long', LONG)
      expect(await a.swap(key('swapped'), 'long', 'swapped', SHORT)).toBe(true)

      for (const name of ['set', 'claimed', 'swapped']) {
        await vi.waitFor(async () => expect(await b.get(key(name))).not.toBeTypeOf('string'), 10_000)
      }
      expect(await b.swap(key('set'), 'set', 'too late', LONG)).toBe(false)
      expect(await b.swap(key('claimed'), undefined, 'claimed again', LONG)).toBe(true)
      expect(await b.get(key('prolonged'))).toBe('long')
      expect(await b.get(key('renewed'))).toBe('long')
    })

    it('another namespace sees and touches nothing of it', async () => {
      const key = crypto.randomUUID()
      await a.set(key, 'ours', LONG)
      expect(await stranger.get(key)).not.toBeTypeOf('string')
      await stranger.delete(key)
      await stranger.delete(key, 'ours')
      expect(await stranger.swap(key, 'ours', 'theirs', LONG)).toBe(false)
      expect(await stranger.swap(key, undefined, 'theirs', LONG)).toBe(true)
      expect(await a.get(key)).toBe('ours')
    })

    /** Calls both stores at the same time, and returns which calls reported success. */
    async function race(call: (store: Store, caller: number) => Promise<unknown>): Promise<number[]> {
      const answers = await Promise.all(
        Array.from({ length: CALLERS }, (_, caller) => call(caller % 2 ? a : b, caller)),
      )
      return answers.flatMap((answer, caller) => (answer === true ? [caller] : []))
    }
  })
}
