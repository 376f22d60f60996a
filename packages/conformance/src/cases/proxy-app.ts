import { expect } from 'vitest'
import type { ConformanceCase } from '../conformance-case.ts'
import { app, type Bundle, JSON_BODY, sessionOf } from './proxy-setup.ts'

/** What a page does with its patient's data, at a server of the sandbox. */
export const proxyApp: readonly ConformanceCase[] = [
  {
    rule: 'a page reads the patient in context, and gets the resource as the server wrote it',
    app,
    async run({ sandbox, visitor }) {
      const browser = visitor()
      await browser.logIn()
      const { patient } = await sessionOf(browser)
      const answer = await browser.ask(`/fhir/Patient/${patient}`)
      expect(answer.status).toBe(200)
      expect(answer.json()).toMatchObject({ resourceType: 'Patient', id: sandbox.patients[0]?.id })
      expect(answer.headers.get('content-type')).toContain('application/fhir+json')
    },
  },
  {
    rule: 'the links of a search lead through the proxy, page after page (FHIR R4 §3.1.1.4)',
    app,
    async run({ base, visitor }) {
      const browser = visitor()
      await browser.logIn()
      const { patient } = await sessionOf(browser)
      let url: string | undefined = `/fhir/Observation?patient=${patient}&_count=5`
      const seen = new Set<string>()
      for (let page = 0; url !== undefined && page < 3; page++) {
        const bundle: Bundle = (await browser.ask(url.startsWith('/fhir') ? url : '')).json<Bundle>()
        for (const { fullUrl, resource } of bundle.entry) {
          expect(fullUrl).toBe(`${new URL(base).pathname.replace(/\/$/, '')}/fhir/Observation/${resource.id}`)
          seen.add(resource.id)
        }
        url = bundle.link.find(({ relation }) => relation === 'next')?.url
      }
      expect(seen.size).toBe(15)
    },
  },
  {
    rule: 'a page writes, and learns by a path of the app where the resource is (RFC 9110 §10.2.2)',
    app: { ...app, launch: { scope: 'openid fhirUser launch/patient patient/*.crs offline_access' } },
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      const { patient } = await sessionOf(browser)
      const written = await browser.ask('/fhir/Observation', {
        method: 'POST',
        headers: JSON_BODY,
        body: JSON.stringify({
          resourceType: 'Observation',
          status: 'final',
          code: { text: 'weight' },
          subject: { reference: `Patient/${patient}` },
        }),
      })
      expect(written.status).toBe(201)
      const location = written.headers.get('location') ?? ''
      expect(location).toMatch(/^\/fhir\/Observation\/[^/]+/)
      expect((await browser.ask(location.split('/_history')[0] ?? '')).json()).toMatchObject({
        code: { text: 'weight' },
      })
    },
  },
  {
    rule: 'under a mount path, all paths are below it',
    app: { ...app, mountPath: '/ehr' },
    needs: ['mounting'],
    async run({ visitor }) {
      const browser = visitor()
      await browser.logIn()
      const { patient, proxyUrl, loginUrl } = await sessionOf(browser)
      expect([proxyUrl, loginUrl]).toEqual(['/ehr/fhir', '/ehr/login'])
      const bundle = (await browser.ask(`/fhir/Observation?patient=${patient}&_count=1`)).json<Bundle>()
      expect(bundle.entry[0]?.fullUrl).toMatch(/^\/ehr\/fhir\/Observation\//)
    },
  },
]
