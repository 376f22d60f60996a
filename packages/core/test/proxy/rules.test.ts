import { describe, expect, it } from 'vitest'
import { readAllowList } from '../../src/proxy/allow-list.ts'
import { checkBatch } from '../../src/proxy/batch.ts'
import { readInteraction } from '../../src/proxy/interaction.ts'
import { refersToOthers } from '../../src/proxy/patient-rule.ts'

const rules = readAllowList(['GET Patient', 'GET Observation'], 'allow')
const limit = { patient: 'p1', fhirBaseUrl: 'https://ehr.example/fhir' }

function batchOf(url: string): unknown {
  return { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url } }] }
}

describe('the rules of the proxy', () => {
  it.each([
    'Observation?patient=p1&x=?&_include=Observation:subject',
    'Observation?patient=p1&x=?&patient=p2',
    'Observation?patient=p1&_Include=Observation:subject',
    'Observation?patient=p1&Subject=Patient/p2',
    'Observation?patient=p1\n?&_include=Observation:subject',
  ])('an entry of a batch hides no parameter: %j', (url) => {
    expect(checkBatch(batchOf(url), rules, limit)).toMatch(/^Entry 0: /)
  })

  it('an entry of a batch passes with a question mark in a value', () => {
    expect(checkBatch(batchOf('Observation?patient=p1&note=why?'), rules, limit)).toBeUndefined()
  })

  it.each([
    ['Patient?identifier=s|v', true],
    ['https://ehr.example/fhir/Patient?name=x', true],
    ['Patient?_id=p1&_id=p2', true],
    ['Patient?_id=p2', true],
    ['Patient?_id=p1', false],
    ['Is this the right Patient? Yes.', false],
  ])('a conditional reference names a patient too: %s', (reference, refers) => {
    expect(refersToOthers({ subject: { reference } }, limit)).toBe(refers)
  })

  it.each([
    ['_getpages=x&_getpagesoffset=20&_count=20&_pretty=true&_bundletype=searchset', true],
    ['_getpages=x&_type=Patient', false],
    ['_getpages=x&_id=p2', false],
    ['_count=20', false],
  ])('a further page is no search of all resources: %s', (query, isPage) => {
    expect(readInteraction('GET', '', new URLSearchParams(query))?.interaction === 'page').toBe(isPage)
  })
})
