import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { bundleOf } from './bundle.ts'

it('all of it is smaller than 2 kB, minified and compressed', async () => {
  const code = await bundleOf(`export * from '@fhir-auth/browser'`)
  expect(gzipSync(code).length).toBeLessThan(2000)
})

it('a page gets only what it imports', async () => {
  const code = await bundleOf(`import { readSession } from '@fhir-auth/browser'; globalThis.read = readSession`)
  expect(code).toContain('/session')
  expect(code).not.toMatch(/BroadcastChannel|outside_proxy|too_many_pages/)
  expect(await bundleOf(`import '@fhir-auth/browser'`)).not.toContain('session')
})
