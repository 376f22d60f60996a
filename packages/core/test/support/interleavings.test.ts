import { expect, it } from 'vitest'
import { exploreAll, Stage } from './interleavings.ts'
import { createMapStore } from './map-store.ts'

/** Each actor reads and writes keys by a plan such as `get a, set b`; gives the orders that were run, as texts. */
async function ordersOf(plans: Record<string, string>): Promise<string[]> {
  const orders: string[] = []
  await exploreAll(async (choose) => {
    const stage = new Stage()
    const inner = createMapStore(() => 0)
    const done: string[] = []
    const actors = Object.entries(plans).map(([actor, plan]) => {
      const store = stage.store(actor, inner)
      return [
        actor,
        async () => {
          for (const step of plan.split(', ')) {
            const [kind, key = ''] = step.split(' ')
            await (kind === 'get' ? store.get(key) : store.set(key, actor, 60))
            done.push(`${actor} ${step}`)
          }
        },
      ] as const
    })
    const isWhole = await stage.run(Object.fromEntries(actors), choose)
    if (isWhole) orders.push(done.join(', '))
    return isWhole
  })
  return orders
}

it('both orders of two writes are run', async () => {
  expect(await ordersOf({ one: 'set a', other: 'set a' })).toEqual(['one set a, other set a', 'other set a, one set a'])
})

it('of orders that cannot differ, one is run', async () => {
  expect(await ordersOf({ one: 'set a, get c', other: 'set b, get c' })).toHaveLength(1)
})

it('a read that comes before, between or after two writes gives three orders', async () => {
  expect(await ordersOf({ one: 'set a, set a', other: 'get a' })).toHaveLength(3)
})

it('two who read and then write the same give each order of reads and writes', async () => {
  // A write before the other's read, in either direction, or both reads first and then two orders of writes.
  expect(await ordersOf({ one: 'get a, set a', other: 'get a, set a' })).toHaveLength(4)
})
