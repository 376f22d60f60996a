import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFhirProxy, type FhirProxyOptions } from '../../src/index.ts'
import { readInteraction } from '../../src/proxy/interaction.ts'

const made = (options: unknown) => () => createFhirProxy(options as FhirProxyOptions)

describe('options of fhirProxy()', () => {
  it.each([
    [{}, /allow must be a list/],
    [{ allow: [] }, /nothing else passes/],
    [{ allow: ['Patient'] }, /'Patient' is no rule.*GET Patient/],
    [{ allow: ['get Patient'] }, /is no rule/],
    [{ allow: ['GET patient'] }, /is no rule/],
    [{ allow: ['GET Patient/123'] }, /is no rule/],
    [{ allow: [{ method: 'GET' }] }, /needs a method and a resource type/],
    [{ allow: [{ method: '__proto__', type: 'Patient' }] }, /needs a method/],
    [{ allow: [{ method: 'GET', type: 'Patient', interaction: ['read'] }] }, /Did you mean "interactions"/],
    [{ allow: [{ method: 'GET', type: 'Patient', interactions: ['write'] }] }, /interactions must be a list of/],
    [{ allow: ['GET Patient'], patient: 'enforced' }, /patient must be 'enforce'/],
    [{ allow: ['GET Patient'], path: '/' }, /a folder of its own/],
    [{ allow: ['GET Patient'], path: 'fhir' }, /must be a path/],
    [{ allow: ['GET Patient'], session: '/fhir/session' }, /must not be below path/],
    [{ allow: ['GET Patient'], origins: ['https://a.example/'] }, /takes origins/],
    [{ allow: ['GET Patient'], origins: ['*'] }, /takes origins/],
    [{ allow: ['GET Patient'], timeoutSeconds: 0 }, /timeoutSeconds must be a positive number/],
    [{ allow: ['GET Patient'], alow: [] }, /Did you mean "allow"/],
  ])('%j is refused with what to write', (options, message) => {
    expect(made(options)).toThrow(message)
    expect(made(options)).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  })

  it.each([
    'GET Patient',
    'POST /',
    'GET /',
    'GET metadata',
    'GET Patient/$everything',
    'POST $match',
    'DELETE Observation',
  ])('%s is a rule', (rule) => {
    expect(made({ allow: [rule] })).not.toThrow()
  })

  it('answers its folder and the session, and nothing that begins alike', () => {
    const proxy = createFhirProxy({ allow: ['GET Patient'], path: '/ehr/fhir/' })
    const urls = ['/ehr/fhir', '/ehr/fhir/', '/ehr/fhir?x', '/ehr/fhir/Patient', '/session', '/session?x']
    expect(urls.filter((url) => !proxy.handles(url))).toEqual([])
    const others = ['/ehr/fhirx', '/ehr', '/fhir/Patient', '/sessions', '/session/x', '/EHR/fhir']
    expect(others.filter((url) => proxy.handles(url))).toEqual([])
  })
})

describe('a request below the base', () => {
  it.each([
    ['GET', 'Patient/1', 'read'],
    ['HEAD', 'Patient/1', 'read'],
    ['GET', 'Patient/1/_history/2', 'vread'],
    ['GET', 'Patient/1/_history', 'history'],
    ['GET', 'Patient/_history', 'history'],
    ['GET', 'Patient', 'search'],
    ['POST', 'Patient/_search', 'search'],
    ['POST', 'Patient', 'create'],
    ['PUT', 'Patient/1', 'update'],
    ['PATCH', 'Patient/1', 'patch'],
    ['DELETE', 'Patient/1', 'delete'],
    ['GET', 'Patient/1/$everything', 'operation'],
    ['POST', '$match', 'operation'],
    ['POST', '', 'batch'],
    ['GET', 'metadata', 'capabilities'],
  ])('%s %s is a %s', (method, path, interaction) => {
    expect(readInteraction(method, path, new URLSearchParams())?.interaction).toBe(interaction)
  })

  it.each([
    ['PUT', 'Patient'],
    ['DELETE', 'Patient'],
    ['PATCH', 'Patient'],
    ['POST', 'Patient/1'],
    ['POST', 'Patient/1/_history'],
    ['GET', '_history'],
    ['POST', '_search'],
    ['GET', ''],
    ['GET', 'Patient/1/_history/2/3'],
    ['GET', 'Patient/1/Observation'],
    ['GET', 'Patient/1/$everything/x'],
    ['GET', 'Patient/..'],
    ['GET', 'Patient/.'],
    ['GET', 'Patient/'],
    ['GET', '/Patient'],
    ['GET', 'metadata/x'],
    ['DELETE', 'metadata'],
    ['constructor', 'Patient/1'],
    ['DELETE', 'Patient/1/$everything'],
  ])('%s %s is none that the proxy sends', (method, path) => {
    expect(readInteraction(method, path, new URLSearchParams())).toBeUndefined()
  })

  it('that is sent has a path which no server reads in another way', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webPath(),
          fc.string().map((id) => `Patient/${id}`),
        ),
        (path) => {
          if (readInteraction('GET', path, new URLSearchParams('_getpages=1')) === undefined) return
          expect(path).toMatch(/^[A-Za-z0-9$_.\-/]*$/)
          expect(new URL(`https://ehr.example/fhir/${path}`).pathname).toBe(`/fhir/${path}`)
        },
      ),
    )
  })
})
