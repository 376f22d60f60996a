import { readFileSync } from 'node:fs'
import { describeSessionStore } from '@fhir-auth/conformance'
import { expect, it } from 'vitest'
import { mapStore } from './map-store.ts'

const namespaces = new Map<string, Parameters<typeof mapStore>[0]>()

describeSessionStore('the store of one’s own in docs/session-stores.md', (namespace) => {
  const entries = namespaces.get(namespace) ?? new Map()
  namespaces.set(namespace, entries)
  return mapStore(entries)
})

it('is the one that the page shows', () => {
  const page = readFileSync(new URL('../../../docs/session-stores.md', import.meta.url), 'utf8')
  expect(page).toContain(`\`\`\`ts\n${readFileSync(new URL('./map-store.ts', import.meta.url), 'utf8')}\`\`\``)
})
