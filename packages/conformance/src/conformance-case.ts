import type { Capabilities } from './adapter-host.ts'
import type { CaseApp } from './case-app.ts'
import type { World } from './world.ts'

/** One rule that every adapter keeps. */
export interface ConformanceCase {
  /** Begins with the ids of the requirements that it tests, if there are any. */
  rule: string
  needs?: readonly (keyof Capabilities)[] | undefined
  app?: CaseApp | undefined
  run(world: World): Promise<void>
}
