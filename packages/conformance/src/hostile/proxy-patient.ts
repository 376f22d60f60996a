import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { logInAtHostile } from './hostile-login.ts'
import { allow, entry, loggedIn, post, postBundle, SAME_ORIGIN } from './proxy-setup.ts'

/** The patient in context is p1. */
const enforced = { registeredAt: 'hostile', proxy: { allow, patient: 'enforce' } } as const

/** A page that reaches for another patient. */
export const hostileProxyPatient: readonly ConformanceCase[] = [
  {
    rule: 'with patient: enforce, a request that names another patient is not sent',
    app: enforced,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      for (const path of [
        '/fhir/Patient/p2',
        '/fhir/Patient/p2/_history/1',
        '/fhir/Patient?_id=p2',
        '/fhir/Patient?_id=p1,p2',
        '/fhir/Patient?_id=p1&_id=p2',
        '/fhir/Observation?patient=p2',
        '/fhir/Observation?patient=p1,p2',
        '/fhir/Observation?patient=p1&patient=p2',
        '/fhir/Observation?patient=Patient%2Fp2',
        '/fhir/Observation?subject=Patient/p2',
        '/fhir/Observation?subject:Patient=p2',
        '/fhir/Observation?patient:missing=true',
        '/fhir/Observation?patient.name=x',
        '/fhir/Observation?patient:identifier=x%7Cy',
        '/fhir/Observation?subject:Patient.name=x',
        '/fhir/Observation?patient=https://evil.example/fhir/Patient/p1',
        '/fhir/Observation?_has:Group:member:_id=g1',
        '/fhir/Observation?_include=Observation:subject',
        '/fhir/Patient?_revinclude=Observation:subject',
        '/fhir/Observation?_filter=patient+eq+p2',
        '/fhir/Observation?_list=l1',
      ]) {
        const answer = await browser.ask(path)
        expect([path, answer.status, answer.json().code]).toEqual([path, 403, 'proxy_refused'])
      }
      expect(hostile.requests.slice(before)).toEqual([])
    },
  },
  {
    rule: 'with patient: enforce, a search gets the patient where it names none, by GET and by POST',
    app: enforced,
    async run(world) {
      const { hostile, browser } = await loggedIn(world)
      const sent = () => `${hostile.requests.at(-1)?.path}`
      await browser.ask('/fhir/Observation?category=vital-signs')
      expect(sent()).toBe('/fhir/Observation?category=vital-signs&patient=p1')
      await browser.ask('/fhir/Observation')
      expect(sent()).toBe('/fhir/Observation?patient=p1')
      await browser.ask('/fhir/Patient?name=x')
      expect(sent()).toBe('/fhir/Patient?name=x&_id=p1')
      await browser.ask('/fhir/Observation?patient=Patient/p1')
      expect(sent()).toBe('/fhir/Observation?patient=Patient/p1')
      const search = (body: string) =>
        browser.ask('/fhir/Observation/_search', {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
          body,
        })
      // Where a body parser of the framework has read the form, the answer says what to do.
      const answer = await search('category=x')
      if (answer.status === 200) {
        expect(hostile.requests.at(-1)?.body).toBe('category=x&patient=p1')
        expect((await search('patient=p2')).status).toBe(403)
      } else {
        expect(answer.status).toBe(500)
      }
    },
  },
  {
    rule: 'with patient: enforce, what is written may refer to no other patient, alone and in a batch',
    app: enforced,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      const about = (reference: string) => ({ resourceType: 'Observation', subject: { reference } })
      for (const reference of [
        'Patient/p2',
        `${hostile.fhirBaseUrl}/Patient/p2`,
        'Patient/p2/_history/1',
        '/Patient/p2',
      ]) {
        expect([
          reference,
          (await post(browser, '/fhir/Observation', JSON.stringify(about(reference)))).status,
        ]).toEqual([reference, 403])
        const item = { ...entry('POST', 'Observation'), resource: about(reference) }
        expect((await postBundle(browser, [item])).status).toBe(403)
      }
      const conditional = { ...SAME_ORIGIN, 'if-none-exist': 'identifier=x' }
      const body = JSON.stringify(about('Patient/p1'))
      const unsure = await browser.ask('/fhir/Observation', { method: 'POST', headers: conditional, body })
      expect(unsure.status).toBe(403)
      for (const url of ['Observation', 'Observation?patient=p2', 'Patient/p2']) {
        expect([url, (await postBundle(browser, [entry('GET', url)])).status]).toEqual([url, 403])
      }
      expect((await post(browser, '/fhir/Observation', '<Observation/>', 'application/fhir+xml')).status).toBe(403)
      expect(hostile.requests.slice(before)).toEqual([])
      expect((await post(browser, '/fhir/Observation', JSON.stringify(about('Patient/p1')))).status).toBe(200)
    },
  },
  {
    rule: 'with patient: enforce, a login without a patient reads nothing of a patient',
    app: {
      ...enforced,
      proxy: {
        allow: ['GET Observation', { method: 'GET', type: 'Practitioner', patient: 'unchecked' }],
        patient: 'enforce',
      },
    },
    async run(world) {
      const { hostile, visitor } = world
      hostile.change('/token', ({ patient: _, ...body }) => body)
      const browser = visitor()
      await logInAtHostile(browser)
      expect((await browser.ask('/fhir/Observation')).status).toBe(403)
      expect((await browser.ask('/fhir/Practitioner/d1')).status).toBe(200)
    },
  },
  {
    rule: 'with patient: enforce, no patient hides behind a second question mark or a semicolon, alone and in a batch (CWE-444)',
    app: enforced,
    async run(world) {
      const { hostile, browser, before } = await loggedIn(world)
      await browser.ask('/fhir/Observation??patient=p1')
      await browser.ask('/fhir/Observation?category=x;patient=p2')
      const sent = hostile.requests.slice(before)
      expect(sent.map(({ path }) => path)).toEqual([
        '/fhir/Observation??patient=p1&patient=p1',
        '/fhir/Observation?category=x%3Bpatient=p2&patient=p1',
      ])
      for (const url of ['Observation??patient=p1', 'Observation?patient=p1&code=x;patient=p2']) {
        expect([url, (await postBundle(browser, [entry('GET', url)])).status]).toEqual([url, 403])
      }
      const about = { resourceType: 'Observation', subject: { reference: 'Patient??_id=p1' } }
      expect((await post(browser, '/fhir/Observation', JSON.stringify(about))).status).toBe(403)
      expect(hostile.requests.slice(before)).toHaveLength(2)
    },
  },
]
