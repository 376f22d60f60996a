import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdapterHost, ALL_CAPABILITIES, type Capabilities } from './adapter-host.ts'
import { type Theme, themes } from './cases/index.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { runCase } from './run-case.ts'
import { type SuiteSandbox, startSuiteSandbox } from './suite-sandbox.ts'

export interface SuiteOptions {
  /** Runs only these themes, for a runtime or a sample where the others would show nothing new. Default: all. */
  themes?: readonly Theme[] | undefined
}

/** Runs the suite against one adapter. Each case has its own app; all cases share one sandbox. */
export function describeAdapter(name: string, host: AdapterHost, options: SuiteOptions = {}): void {
  const capabilities: Capabilities = { ...ALL_CAPABILITIES, ...host.capabilities }
  const chosen = options.themes ?? (Object.keys(themes) as Theme[]) // the keys of an object literal of ours
  const isSkipped = ({ needs, app }: ConformanceCase) =>
    [...(needs ?? []), ...(app?.store ? ['inProcess' as const] : [])].some((need) => !capabilities[need])

  describe(name, () => {
    let suite: SuiteSandbox
    beforeAll(async () => {
      suite = await startSuiteSandbox()
    })
    afterAll(() => suite.close())

    for (const theme of chosen) {
      describe(theme, () => {
        for (const conformanceCase of themes[theme]) {
          it.skipIf(isSkipped(conformanceCase))(conformanceCase.rule, () => runCase(host, suite, conformanceCase))
        }
      })
    }

    it(`skips ${host.skips ?? 0} cases`, () => {
      const skipped = chosen.flatMap((theme) => themes[theme].filter(isSkipped).map(({ rule }) => rule))
      expect(skipped).toHaveLength(host.skips ?? 0)
    })
  })
}
