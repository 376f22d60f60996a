import { describeAdapter } from '@fhir-auth/conformance'
import { describe, expect, it } from 'vitest'
import { bundleApp } from './bundle.ts'
import { runtimes } from './runtime.ts'
import { startOnRuntime } from './start-runtime.ts'

const { code, imports } = await bundleApp()

it('core and this adapter use no module of Node, or of anyone', () => {
  expect(imports).toEqual(['settings.mjs'])
})

for (const runtime of runtimes) {
  const name = `Hono 4 on ${runtime.name}`
  if (runtime.binary === undefined) {
    describe(name, () => {
      // Bun, Deno and workerd publish binaries for some platforms only. `.ci/run` runs where all three have one.
      it.skip(`needs the binary of ${runtime.name}: its npm package has none for this machine`, () => {})
    })
    continue
  }
  describeAdapter(
    name,
    {
      start: ({ recipe }) => startOnRuntime(runtime, code, recipe),
      capabilities: { inProcess: false },
      skips: 2,
    },
    { themes: ['standalone launch', 'guard', 'fhir.json', 'FHIR proxy', 'backend', 'mounting'] },
  )
}
