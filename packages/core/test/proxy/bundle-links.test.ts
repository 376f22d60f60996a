import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BundleLinks } from '../../src/proxy/bundle-links.ts'
import { proxyUrlOf } from '../../src/proxy/upstream.ts'

const BASE = 'https://ehr.example/fhir'
const toPage = (url: string) => proxyUrlOf(url, BASE, '/app/fhir')

/** The text as it arrives when it comes in these parts. */
function passed(text: string, cuts: readonly number[] = []): string {
  const bytes = new TextEncoder().encode(text)
  const links = new BundleLinks(toPage)
  const places = [0, ...[...cuts].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  const out = places.slice(1).flatMap((end, index) => links.push(bytes.slice(places[index], end)))
  return Buffer.concat([...out, ...links.end()]).toString()
}

/** What must come out, by parsing. */
function rewritten(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const bundle = { ...value } as Record<string, unknown>
  for (const [list, member] of [
    ['link', 'url'],
    ['entry', 'fullUrl'],
  ] as const) {
    const items = bundle[list]
    if (!Array.isArray(items)) continue
    bundle[list] = items.map((item: unknown) => {
      if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
      const url: unknown = (item as Record<string, unknown>)[member]
      return typeof url === 'string' ? { ...item, [member]: toPage(url) ?? url } : item
    })
  }
  return bundle
}

const url = fc.constantFrom(
  `${BASE}/Patient?page=2&x=%C3%A9`,
  `${BASE}`,
  `${BASE}/Observation/1`,
  'https://EHR.example:443/fhir/Patient',
  'https://ehr.example/fhir-other/Patient',
  'https://elsewhere.example/fhir/Patient',
  `${BASE}/..%2fadmin`,
  'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0',
  'é"\\\n\u2028',
)
const anything = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<unknown>
const resource = fc.record({
  link: fc.constant([{ url: `${BASE}/not-a-link-of-the-bundle` }]),
  fullUrl: url,
  extension: fc.array(fc.record({ url })),
  other: anything,
})
const bundle = fc.record(
  {
    resourceType: fc.constant('Bundle'),
    link: fc.oneof(fc.array(fc.oneof(fc.record({ relation: fc.string(), url }), anything)), anything),
    entry: fc.oneof(fc.array(fc.oneof(fc.record({ fullUrl: url, resource }), anything)), anything),
    url,
    fullUrl: url,
  },
  { requiredKeys: [] },
)

describe('the links of a Bundle', () => {
  it('are rewritten, and nothing else is, wherever the parts of the body are cut', () => {
    fc.assert(
      fc.property(fc.oneof(bundle, anything), fc.array(fc.nat(), { maxLength: 8 }), fc.nat(2), (value, cuts, space) => {
        const text = JSON.stringify(value, undefined, space)
        expect(JSON.parse(passed(text, cuts))).toEqual(JSON.parse(JSON.stringify(rewritten(value))))
      }),
    )
  })

  it('that lead elsewhere leave every byte as it is, as do numbers and spaces', () => {
    const text = `{ "link" : [ {"url":"https:\\/\\/elsewhere.example/x","n":1.00,"e":1E+2} ],\n"entry":[{"fullUrl" : "urn:uuid:1"}]}`
    expect(passed(text, [3, 20, 21, 50])).toBe(text)
  })

  it('are found in any spelling of the JSON string', () => {
    expect(passed('{"l\\u0069nk":[{"u\\u0072l":"https:\\/\\/ehr.example\\/fhir\\/P\\u0061tient"}]}')).toBe(
      '{"l\\u0069nk":[{"u\\u0072l":"/app/fhir/Patient"}]}',
    )
  })

  it('of any bytes, JSON or not, lose and add none where there is no link', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), (bytes, cut) => {
        const links = new BundleLinks(() => undefined)
        const at = cut % (bytes.length + 1)
        const out = [...links.push(bytes.slice(0, at)), ...links.push(bytes.slice(at)), ...links.end()]
        expect(Buffer.concat(out)).toEqual(Buffer.from(bytes))
      }),
    )
  })

  it('that are longer than any link pass as they are, and are not kept', () => {
    const long = `${BASE}/${'x'.repeat(100_000)}`
    const text = JSON.stringify({ link: [{ url: long }, { url: `${BASE}/a` }] })
    expect(JSON.parse(passed(text, [500, 20_000, 60_000]))).toEqual({ link: [{ url: long }, { url: '/app/fhir/a' }] })
  })
})
