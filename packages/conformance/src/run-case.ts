import { expect } from 'vitest'
import type { AdapterHost } from './adapter-host.ts'
import type { ConformanceCase } from './conformance-case.ts'
import type { SuiteSandbox } from './suite-sandbox.ts'
import { startWorld } from './world.ts'

/** Runs one case against its own app, and then checks for leaks and unhandled rejections. */
export async function runCase(host: AdapterHost, suite: SuiteSandbox, { app, run }: ConformanceCase): Promise<void> {
  const world = await startWorld(host, suite, app ?? {})
  let failure: { error: unknown } | undefined
  try {
    await run(world)
  } catch (error) {
    failure = { error }
  }
  const { leaks, unhandledRejections } = await world.end()
  if (failure) throw failure.error
  expect(unhandledRejections, 'rejections that nobody handled').toEqual([])
  expect(leaks, 'secrets in an answer or in what was logged').toEqual([])
}
